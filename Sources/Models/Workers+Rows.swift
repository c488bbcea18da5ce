extension Workers {
  /// Runs `body` for all rows, some at a time; which are together decides nothing.
  package func runRows(
    _ rowCount: Int, atOnce count: Int = 16, _ body: @escaping @Sendable (Range<Int>) -> Void
  ) throws(ModelError) {
    try run((rowCount + count - 1) / count) { _, task in
      body(task * count..<min((task + 1) * count, rowCount))
    }
  }
}

import QuernContainers

extension TableMatcher {
  /// The rows of every head that the entry takes from a source that holds all heads.
  func heads(
    _ heads: ArchitectureTable.Heads, of entry: TableEntry
  ) throws(InputProblem) -> [SourceRows] {
    let names = entry.tensor.names.map { entry.source + $0 }
    guard let tensor = find(names) else { throw missing(names) }
    let rows = try evaluate(heads.rows, in: entry.bindings)
    let first = try evaluate(heads.first, in: entry.bindings)
    let (taken, width) =
      heads.isTransposed ? (entry.shape[2], entry.shape[1]) : (entry.shape[1], entry.shape[2])
    let (total, overflow) = rows.multipliedReportingOverflow(by: entry.shape[0])
    guard !overflow else {
      throw InputProblem(
        file: configFile, field: "num_attention_heads", found: "\(entry.shape[0])",
        expected: "heads whose rows can be counted")
    }
    try check(tensor, shape: [total, width], isInteger: false)
    try checkSize(ofHead: taken, width, isTransposed: heads.isTransposed)
    return (0..<entry.shape[0]).map {
      SourceRows(tensor: tensor, firstRow: $0 * rows + first, rowCount: taken)
    }
  }

  /// A head that is transposed is read whole, by every chunk: memory must not follow from a config.
  private func checkSize(ofHead rows: Int, _ columns: Int, isTransposed: Bool) throws(InputProblem)
  {
    let limit = 1 << 22
    let (count, overflow) = rows.multipliedReportingOverflow(by: columns)
    guard isTransposed, overflow || count > limit else { return }
    throw InputProblem(
      file: configFile, field: "kv_lora_rank", found: "\(columns), with \(rows) rows a head",
      expected: "at most \(limit) weights in a head")
  }
}

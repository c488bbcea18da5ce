/// What the queries of a layer see: one head of keys, which are the values as well.
struct LatentKeys: Sendable {
  /// Of the window: [rows, width], and with channels as rows: [width, rows].
  let window: Activations
  let windowColumns: Activations
  /// Compressed entries of each sequence: [entries, width], and with channels as rows; empty in a
  /// layer that does not compress.
  let entries: [Activations]
  let entryColumns: [Activations]
  /// The entries that an indexer chose for each row, ascending; nil where all are seen.
  let chosen: [[Int32]]?

  init(window: Activations, entries: [Activations], chosen: [[Int32]]?) {
    (self.window, self.entries, self.chosen) = (window, entries, chosen)
    windowColumns = window.transposed()
    entryColumns = entries.map { $0.transposed() }
  }
}

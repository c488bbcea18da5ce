import QuernCertificates

/// The tensors with the largest relative errors, of any number that pass by.
struct WorstTensors {
  struct Entry {
    let name: String
    let type: String
    let classification: CertificateRow.Class
    let sums: ErrorSums
    let errorBound: Double?
    let isRotated: Bool

    /// √(noise / signal).
    let relativeError: Double
  }

  /// The worst first.
  private(set) var entries: [Entry] = []
  private let limit: Int

  init(limit: Int) { self.limit = limit }

  mutating func add(_ row: CertificateRow) {
    guard let error = row.sums.relativeError, error > 0 else { return }
    let entry = Entry(
      name: row.name, type: row.type, classification: row.classification, sums: row.sums,
      errorBound: row.errorBound, isRotated: row.isRotated, relativeError: error)
    if entries.count == limit, let last = entries.last, !Self.isWorse(entry, last) { return }
    let position = entries.firstIndex { Self.isWorse(entry, $0) } ?? entries.count
    entries.insert(entry, at: position)
    if entries.count > limit { entries.removeLast() }
  }

  private static func isWorse(_ left: Entry, _ right: Entry) -> Bool {
    left.relativeError == right.relativeError
      ? left.name < right.name : left.relativeError > right.relativeError
  }
}

import QuernContainers

/// What is kept of the rows of a certificate while they are read one by one.
struct CertificateRowTable {
  /// The least and the greatest of the files that rows are in.
  var fileIndices: ClosedRange<Int>?
  /// What the reader of the rows found wrong with one of them; the rest are skipped.
  var problem: InputProblem?
  private var count = 0

  mutating func read(
    _ scanner: inout JSONScanner, _ body: (CertificateRow) throws(InputProblem) -> Void
  ) throws(JSONError) {
    try scanner.beginArray()
    while try scanner.nextElement() {
      let value = try scanner.value()
      guard let row = CertificateRow(value) else {
        throw JSONError(
          byteOffset: scanner.position,
          problem: "row \(count) lacks a field or has one of another kind")
      }
      count += 1
      note(row.file)
      for part in row.stored { note(part.file) }
      guard problem == nil else { continue }
      do throws(InputProblem) { try body(row) } catch { problem = error }
    }
  }

  private mutating func note(_ file: Int) {
    let known = fileIndices ?? file...file
    fileIndices = min(known.lowerBound, file)...max(known.upperBound, file)
  }
}

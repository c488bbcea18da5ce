import QuernCertificates
import QuernContainers
import QuernTensors

/// Compares the table of a safetensors file with the rows of a certificate: every stored tensor with
/// its type, shape and place, and no other.
struct SafetensorsCheck {
  private(set) var failures: [VerificationReport.Failure] = []

  private struct Entry {
    let type: String
    let shape: Shape
    let offset: Int
    let byteCount: Int
  }

  /// - Throws: `FileError` when the file cannot be read.
  init(
    _ file: InputFile, claim: Certificate.OutputFile, number: Int, rows: [CertificateRow]
  ) throws(FileError) {
    let table: SafetensorsFile
    do throws(SafetensorsError) {
      table = try SafetensorsFile(file)
    } catch {
      switch error {
      case .unreadable(let problem): throw problem
      case .malformed(let defect):
        fail(
          claim, "header", tensor: defect.tensor,
          found: (defect.field.map { "\($0): " } ?? "") + defect.found, expected: defect.expected)
        return
      }
    }
    if table.headerBytes.byteCount != claim.headerByteCount {
      fail(
        claim, "header", found: "\(table.headerBytes.byteCount) bytes",
        expected: "\(claim.headerByteCount) bytes")
    }
    compare(table, claim, Self.entries(rows, inFile: number))
  }

  private static func entries(_ rows: [CertificateRow], inFile number: Int)
    -> [TensorName: Entry]
  {
    var entries: [TensorName: Entry] = [:]
    for row in rows {
      if row.stored.isEmpty {
        entries[TensorName(row.name)] = Entry(
          type: row.type.uppercased(), shape: Shape(row.shape), offset: row.offset,
          byteCount: row.byteCount)
      }
      for part in row.stored where part.file == number {
        entries[TensorName(part.name)] = Entry(
          type: part.type, shape: Shape(part.shape), offset: part.offset,
          byteCount: part.byteCount)
      }
    }
    return entries
  }

  private mutating func compare(
    _ table: SafetensorsFile, _ claim: Certificate.OutputFile, _ entries: [TensorName: Entry]
  ) {
    var missing = entries
    for tensor in table.tensors {
      guard let entry = missing.removeValue(forKey: tensor.name) else {
        fail(
          claim, "tensor", tensor: tensor.name.text, found: "a tensor",
          expected: "those of the certificate's rows")
        continue
      }
      let pairs: [(what: String, found: String, expected: String)] = [
        ("type", tensor.elementType.rawValue, entry.type),
        ("shape", "\(tensor.shape)", "\(entry.shape)"),
        ("offset", "\(tensor.range.offset)", "\(entry.offset)"),
        ("bytes", "\(tensor.range.byteCount)", "\(entry.byteCount)"),
      ]
      for pair in pairs where pair.found != pair.expected {
        fail(
          claim, pair.what, tensor: tensor.name.text, found: pair.found, expected: pair.expected)
      }
    }
    for (name, entry) in missing.sorted(by: { $0.key < $1.key }) {
      fail(
        claim, "tensor", tensor: name.text, found: "no such tensor",
        expected: "\(entry.type) \(entry.shape)")
    }
  }

  private mutating func fail(
    _ claim: Certificate.OutputFile, _ what: String, tensor: String? = nil, found: String,
    expected: String
  ) {
    failures.append(
      VerificationReport.Failure(
        file: claim.name, tensor: tensor, what: what, found: found, expected: expected))
  }
}

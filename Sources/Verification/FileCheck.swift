import QuernCertificates
import QuernContainers
import QuernTensors

/// Checks one file as a whole against its certificate: size, header, tensor table, padding.
struct FileCheck {
  /// What the bytes of a file mean.
  enum Container {
    case gguf
    case safetensors
    /// Text without tensors.
    case none
  }

  private let file: InputFile
  private let container: Container
  private let claim: Certificate.OutputFile
  /// Position among the certificate's files.
  private let number: Int
  /// Those with a part in the file.
  private let rows: [CertificateRow]
  private(set) var failures: [VerificationReport.Failure] = []

  private static let pieceByteCount = 1 << 20
  private static let version: UInt32 = 3

  init(
    _ file: InputFile, container: Container, claim: Certificate.OutputFile, number: Int,
    rows: [CertificateRow]
  ) {
    self.file = file
    self.container = container
    self.claim = claim
    self.number = number
    self.rows = rows
  }

  /// - Returns: the digest of the bytes that should be the header; nil where the file is too short.
  mutating func run() throws(FileError) -> [UInt8]? {
    if file.byteCount != claim.byteCount {
      fail("size", found: "\(file.byteCount) bytes", expected: "\(claim.byteCount) bytes")
    }
    switch container {
    case .gguf: try checkGGUF()
    case .safetensors:
      failures += try SafetensorsCheck(file, claim: claim, number: number, rows: rows).failures
    case .none:
      if !rows.isEmpty {
        fail("tensors", found: "\(rows.count)", expected: "none in a file of this name")
      }
    }
    return try checkHeader()
  }

  private mutating func checkHeader() throws(FileError) -> [UInt8]? {
    guard claim.headerByteCount >= 0, claim.headerByteCount <= file.byteCount else {
      fail(
        "header", found: "a file of \(file.byteCount) bytes",
        expected: "a header of \(claim.headerByteCount) bytes")
      return nil
    }
    var hash = IncrementalHash()
    for start in stride(from: 0, to: claim.headerByteCount, by: Self.pieceByteCount) {
      let count = min(Self.pieceByteCount, claim.headerByteCount - start)
      hash.update(try file.bytes(in: ByteRange(offset: start, byteCount: count)))
    }
    let digest = hash.finish()
    if digest.hexadecimal != claim.headerHash {
      fail("hash of the header", found: digest.hexadecimal, expected: claim.headerHash)
    }
    return digest
  }

  private mutating func checkGGUF() throws(FileError) {
    do throws(GGUFError) {
      try checkTable(GGUFFile(file))
    } catch {
      switch error {
      case .malformed(let defect):
        fail(
          "header", tensor: defect.tensor,
          found: (defect.field.map { "\($0): " } ?? "") + defect.found, expected: defect.expected)
      case .unreadable(let problem): throw problem
      }
    }
  }

  private mutating func checkTable(_ gguf: GGUFFile) throws(GGUFError) {
    if gguf.version != Self.version {
      fail("version", found: "\(gguf.version)", expected: "\(Self.version)")
    }
    if gguf.dataOffset != claim.headerByteCount {
      fail(
        "header", found: "\(gguf.dataOffset) bytes", expected: "\(claim.headerByteCount) bytes")
    }
    if gguf.trailingByteCount != 0 {
      fail("end of the file", found: "\(gguf.trailingByteCount) more bytes", expected: "no more")
    }
    if gguf.tensors.count != rows.count {
      fail("tensors", found: "\(gguf.tensors.count)", expected: "\(rows.count)")
    }
    for (tensor, row) in zip(gguf.tensors, rows) { compare(tensor, row) }
    do throws(FileError) {
      try checkPadding(gguf)
    } catch { throw .unreadable(error) }
  }

  private mutating func compare(_ tensor: GGUFTensor, _ row: CertificateRow) {
    let pairs: [(what: String, found: String, expected: String)] = [
      ("name", tensor.name.text, row.name),
      ("type", tensor.type.name, row.type.uppercased()),
      ("shape", tensor.shape.description, Shape(row.shape).description),
      ("offset", "\(tensor.range.offset)", "\(row.offset)"),
      ("bytes", "\(tensor.range.byteCount)", "\(row.byteCount)"),
    ]
    for pair in pairs where TensorName(pair.found) != TensorName(pair.expected) {
      fail(pair.what, tensor: row.name, found: pair.found, expected: pair.expected)
    }
  }

  /// Between two tensors, and behind the last, there is nothing but zeros.
  private mutating func checkPadding(_ gguf: GGUFFile) throws(FileError) {
    let nexts = gguf.tensors.dropFirst().map(\.range.offset)
    let dataEnd = file.byteCount - gguf.trailingByteCount
    for (tensor, next) in zip(gguf.tensors, nexts + [dataEnd]) {
      var position = tensor.range.end
      while position < next {
        let count = min(Self.pieceByteCount, next - position)
        let bytes = try file.bytes(in: ByteRange(offset: position, byteCount: count))
        if let index = bytes.firstIndex(where: { $0 != 0 }) {
          fail(
            "padding, byte \(position + index)", tensor: tensor.name.text,
            found: "\(bytes[index])", expected: "0")
          break
        }
        position += count
      }
    }
  }

  private mutating func fail(
    _ what: String, tensor: String? = nil, found: String, expected: String
  ) {
    failures.append(
      VerificationReport.Failure(
        file: claim.name, tensor: tensor, what: what, found: found, expected: expected))
  }
}

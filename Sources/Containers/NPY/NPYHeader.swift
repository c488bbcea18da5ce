/// The header of a NumPy array file of integers: what the elements are and where they begin.
///
/// Format: `formats/containers/npy/README.md`.
package struct NPYHeader: Equatable, Sendable {
  package static let magic: [UInt8] = [0x93] + Array("NUMPY".utf8)
  /// Headers of more bytes are refused; numpy's of plain types have about a hundred.
  package static let maximumByteCount = 1 << 16

  package let element: NPYElement
  /// Outermost dimension first; empty is one element.
  package let shape: [Int]
  /// The first dimension varies fastest.
  package let isColumnMajor: Bool
  /// Where the elements begin.
  package let dataOffset: Int
  /// Product of the dimensions.
  package let elementCount: Int

  /// Reads the header at the start of a file and checks it against the file's size.
  ///
  /// - Parameters:
  ///   - bytes: the start of the file, at least as long as the header.
  ///   - byteCount: bytes of the whole file.
  ///   - file: its path, for errors.
  package init(_ bytes: [UInt8], byteCount: Int, file: String) throws(NPYError) {
    do throws(NPYDefect) {
      let range = try Self.dictionaryRange(bytes)
      var parser = NPYDictionaryParser(bytes[range])
      let members = try parser.members()
      guard let element = NPYElement(descriptor: members.descriptor) else {
        throw NPYDefect(
          "descr", found: "\"\(members.descriptor)\"",
          expected: "little-endian integers of 1, 2, 4 or 8 bytes, such as \"<u4\" or \"<i8\"")
      }
      self.element = element
      (shape, isColumnMajor) = (members.shape, members.isColumnMajor)
      dataOffset = range.upperBound
      elementCount = try Self.elementCount(
        members.shape, element, byteCount: byteCount - range.upperBound)
    } catch {
      throw .malformed(
        InputProblem(
          file: file, field: error.field, found: error.found, expected: error.expected))
    }
  }

  /// The product of the dimensions, which must fill the bytes of the elements exactly.
  private static func elementCount(
    _ shape: [Int], _ element: NPYElement, byteCount: Int
  ) throws(NPYDefect) -> Int {
    var size = element.byteCount
    for dimension in shape {
      let (product, overflow) = size.multipliedReportingOverflow(by: dimension)
      guard !overflow else {
        throw NPYDefect("shape", found: "\(shape)", expected: "a size that fits 64 bits")
      }
      size = product
    }
    guard byteCount == size else {
      throw NPYDefect(
        "shape", found: "\(shape) and \(byteCount) bytes of elements",
        expected: "\(size) bytes of elements")
    }
    return size / element.byteCount
  }

  /// Where the dictionary is, after checking magic, version and length.
  private static func dictionaryRange(_ bytes: [UInt8]) throws(NPYDefect) -> Range<Int> {
    guard bytes.count >= 12, bytes.starts(with: magic) else {
      throw NPYDefect(
        "magic", found: "\(bytes.count) bytes of another kind", expected: "a NumPy array file")
    }
    let lengthByteCount: Int
    switch (bytes[6], bytes[7]) {
    case (1, 0): lengthByteCount = 2
    case (2, 0), (3, 0): lengthByteCount = 4
    default:
      throw NPYDefect(
        "version", found: "\(bytes[6]).\(bytes[7])", expected: "1.0, 2.0 or 3.0")
    }
    let length = (0..<lengthByteCount).reduce(0) { $0 | Int(bytes[8 + $1]) << (8 * $1) }
    let start = 8 + lengthByteCount
    guard length <= maximumByteCount, length <= bytes.count - start else {
      throw NPYDefect(
        "header length", found: "\(length) bytes, \(bytes.count - start) in the file",
        expected: "at most \(maximumByteCount), and no more than there are")
    }
    return start..<(start + length)
  }
}

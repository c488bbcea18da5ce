import CKernels

/// BLAKE3 of byte strings that arrive in pieces.
package struct IncrementalHash {
  private var state = quern_blake3_state()

  package init() { quern_blake3_start(&state) }

  package mutating func update(_ bytes: [UInt8]) {
    bytes.withUnsafeBytes { quern_blake3_update(&state, $0.baseAddress, $0.count) }
  }

  package mutating func update(_ bytes: UnsafeRawBufferPointer) {
    quern_blake3_update(&state, bytes.baseAddress, bytes.count)
  }

  /// The digest, 32 bytes.
  package func finish() -> [UInt8] {
    var digest = [UInt8](repeating: 0, count: 32)
    withUnsafePointer(to: state) { quern_blake3_finish($0, &digest) }
    return digest
  }
}

extension Collection<UInt8> {
  /// Two digits for each byte.
  package var hexadecimal: String {
    var text = [UInt8]()
    text.reserveCapacity(2 * count)
    for byte in self {
      for digit in [byte >> 4, byte & 15] { text.append(digit < 10 ? 0x30 + digit : 0x57 + digit) }
    }
    return String(decoding: text, as: UTF8.self)
  }
}

extension Certificate {
  /// BLAKE3 over the header's digest and the tensors' digests, in the order of the file.
  package static func fileHash(header: [UInt8], tensors: [String]) -> String {
    var hash = IncrementalHash()
    hash.update(header)
    for tensor in tensors { hash.update(tensor.hexadecimalBytes) }
    return hash.finish().hexadecimal
  }
}

extension String {
  /// The bytes of a text of hexadecimal digits; what is none counts as 0.
  fileprivate var hexadecimalBytes: [UInt8] {
    let digits = utf8.map { UInt8(Character(UnicodeScalar($0)).hexDigitValue ?? 0) }
    return stride(from: 0, to: digits.count - 1, by: 2).map { digits[$0] << 4 | digits[$0 + 1] }
  }
}

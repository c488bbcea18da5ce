import QuernTensors

/// Reads little-endian values from a file in order, through a small window.
///
/// No length from the file is believed before it is compared with the bytes that are left.
struct GGUFByteReader {
  private static let windowByteCount = 256 << 10

  let file: InputFile
  /// What is being read, for errors.
  var tensor: String?
  var field: String?

  private var window: [UInt8] = []
  private var windowStart = 0
  private(set) var position = 0

  init(_ file: InputFile) { self.file = file }

  var remainingByteCount: Int { file.byteCount - position }

  // MARK: Values

  mutating func integer<T: FixedWidthInteger>(_: T.Type = T.self) throws(GGUFError) -> T {
    let size = MemoryLayout<T>.size
    try makeAvailable(size)
    let start = position - windowStart
    position += size
    return window.withUnsafeBytes {
      T(littleEndian: $0.loadUnaligned(fromByteOffset: start, as: T.self))
    }
  }

  /// A length or count, at most `limit`, each unit of which takes `unitByteCount` bytes or more.
  mutating func count(of what: String, unitByteCount: Int, limit: Int = .max) throws(GGUFError)
    -> Int
  {
    let start = position
    let value: UInt64 = try integer()
    let possible = min(limit, remainingByteCount / unitByteCount)
    guard value <= UInt64(possible) else {
      throw defect(
        at: start, found: "\(Int64(bitPattern: value)) \(what)",
        expected: "0 to \(possible), which the \(remainingByteCount) bytes left can hold")
    }
    return Int(value)
  }

  /// A string: its length and its bytes.
  mutating func string() throws(GGUFError) -> [UInt8] {
    let length = try count(
      of: "bytes of a string", unitByteCount: 1, limit: GGUFFormat.maximumStringByteCount)
    var bytes: [UInt8] = []
    bytes.reserveCapacity(length)
    try append(length, to: &bytes)
    return bytes
  }

  /// A string that must be UTF-8: a key or a tensor's name.
  mutating func name(_ what: String) throws(GGUFError) -> String {
    let start = position
    let bytes = try string()
    guard let text = String(validating: bytes, as: UTF8.self) else {
      throw defect(
        at: start, found: "bytes that are not UTF-8: \"\(String(decoding: bytes, as: UTF8.self))\"",
        expected: what)
    }
    return text
  }

  mutating func strings(count: Int) throws(GGUFError) -> GGUFStrings {
    var strings = GGUFStrings()
    for _ in 0..<count { strings.append(try string()) }
    return strings
  }

  /// Numbers of a type whose every bit pattern is a value, as the machine holds them. The caller
  /// has checked that the file has that many.
  mutating func numbers<T: BitwiseCopyable>(_: T.Type, count: Int) throws(GGUFError) -> [T] {
    let byteCount = count * MemoryLayout<T>.stride
    // Small arrays come from the window: a file of a million of them must not cost a call each.
    let isSmall = byteCount <= Self.windowByteCount
    if isSmall { try makeAvailable(byteCount) }
    var failure: FileError?
    let values = [T](unsafeUninitializedCapacity: count) { buffer, initializedCount in
      let target = UnsafeMutableRawBufferPointer(buffer)
      do throws(FileError) {
        if isSmall {
          let start = position - windowStart
          target.copyBytes(from: window[start..<start + byteCount])
        } else {
          try file.read(
            into: UnsafeMutableRawBufferPointer(rebasing: target[..<byteCount]), at: position)
        }
        initializedCount = count
      } catch {
        failure = error
      }
    }
    if let failure { throw .unreadable(failure) }
    position += byteCount
    return values
  }

  // MARK: Window

  private mutating func append(_ byteCount: Int, to bytes: inout [UInt8]) throws(GGUFError) {
    var left = byteCount
    while left > 0 {
      let step = min(left, Self.windowByteCount)
      try makeAvailable(step)
      let start = position - windowStart
      bytes.append(contentsOf: window[start..<start + step])
      position += step
      left -= step
    }
  }

  /// Moves the window so that it holds the next bytes.
  private mutating func makeAvailable(_ byteCount: Int) throws(GGUFError) {
    guard position + byteCount > windowStart + window.count || position < windowStart else {
      return
    }
    guard byteCount <= remainingByteCount else {
      throw defect(
        at: position, found: "the end of the file after \(remainingByteCount) bytes",
        expected: "\(byteCount) bytes", hint: "the file was cut short")
    }
    let size = min(Self.windowByteCount, remainingByteCount)
    do throws(FileError) {
      window = try file.bytes(in: ByteRange(offset: position, byteCount: size))
    } catch {
      throw .unreadable(error)
    }
    windowStart = position
  }

  func defect(at offset: Int, found: String, expected: String, hint: String? = nil) -> GGUFError {
    .malformed(
      InputProblem(
        file: file.path, tensor: tensor, field: field, byteOffset: offset, found: found,
        expected: expected, hint: hint))
  }
}

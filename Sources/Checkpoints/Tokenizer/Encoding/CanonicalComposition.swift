import QuernContainers
import QuernFormats

/// Unicode's canonical composition, NFC (UAX #15): decompose, order the marks, compose.
///
/// The library that trained tokenizers were made with knows Unicode 9; so does this, from
/// `formats/canonical-decompositions.json`, whatever the system's Unicode is. Hangul is arithmetic.
struct CanonicalComposition: Sendable {
  /// A scalar's one or two scalars; the second is 0 where there is one.
  private var decompositions: [UInt32: (first: UInt32, second: UInt32)] = [:]
  /// The scalar of two, both in one key.
  private var compositions: [UInt64: UInt32] = [:]

  private static let table: Result<CanonicalComposition, TokenizerError> = {
    do throws(TokenizerError) {
      return .success(try CanonicalComposition(parsing: Formats.canonicalDecompositions))
    } catch { return .failure(error) }
  }()

  private static let file = "canonical-decompositions.json"

  /// Scalars below this one are composed, have no class and compose with nothing before them.
  private static let firstOfInterest: UInt32 = 0x300

  /// The text in NFC.
  ///
  /// - Parameter utf8: well-formed UTF-8.
  static func composed(_ utf8: ArraySlice<UInt8>) throws(TokenizerError) -> ArraySlice<UInt8> {
    // U+0300 and all above begin with CC or a larger byte.
    guard utf8.contains(where: { $0 >= 0xcc }) else { return utf8 }
    let scalars = String(decoding: utf8, as: UTF8.self).unicodeScalars.map(\.value)
    let composed = try table.get().composed(scalars)
    guard composed != scalars else { return utf8 }
    var result = String.UnicodeScalarView()
    for value in composed { Unicode.Scalar(value).map { result.append($0) } }
    return Array(String(result).utf8)[...]
  }

  init(parsing bytes: [UInt8]) throws(TokenizerError) {
    let root = try JSONObject(parsing: bytes, file: Self.file)
    func numbers(_ key: String, by count: Int) throws(TokenizerError) -> [UInt32] {
      let values = (root[key]?.array ?? []).compactMap { $0.integer.flatMap(UInt32.init(exactly:)) }
      guard !values.isEmpty, values.count == root[key]?.array?.count, values.count % count == 0
      else {
        throw TokenizerError(
          file: Self.file, field: key, found: "numbers of another form",
          expected: "\(count) code points for each entry")
      }
      return values
    }
    for (key, composes) in [("pairs", true), ("onlyDecomposed", false)] {
      let values = try numbers(key, by: 3)
      for index in stride(from: 0, to: values.count, by: 3) {
        let (scalar, first, second) = (values[index], values[index + 1], values[index + 2])
        decompositions[scalar] = (first, second)
        if composes { compositions[UInt64(first) << 32 | UInt64(second)] = scalar }
      }
    }
    let values = try numbers("singletons", by: 2)
    for index in stride(from: 0, to: values.count, by: 2) {
      decompositions[values[index]] = (values[index + 1], 0)
    }
  }

  // MARK: The three steps

  func composed(_ scalars: [UInt32]) -> [UInt32] {
    var result: [UInt32] = []
    result.reserveCapacity(scalars.count)
    for scalar in scalars { decompose(scalar, into: &result) }
    let classes = Self.order(&result)
    return compose(result, classes)
  }

  private func decompose(_ scalar: UInt32, into result: inout [UInt32]) {
    if scalar >= 0xc0, let parts = decompositions[scalar] {
      decompose(parts.first, into: &result)
      if parts.second != 0 { result.append(parts.second) }
    } else if let index = Hangul.index(scalar) {
      result.append(contentsOf: Hangul.parts(index))
    } else {
      result.append(scalar)
    }
  }

  /// Sorts each run of marks by their combining class, keeping the order of equals.
  private static func order(_ scalars: inout [UInt32]) -> [UInt8] {
    var classes = scalars.map(combiningClass)
    var start = 0
    while start < scalars.count {
      guard classes[start] != 0 else {
        start += 1
        continue
      }
      let end = classes[start...].firstIndex(of: 0) ?? classes.count
      let sorted = (start..<end).sorted { (classes[$0], $0) < (classes[$1], $1) }
      let (marks, values) = (sorted.map { scalars[$0] }, sorted.map { classes[$0] })
      scalars.replaceSubrange(start..<end, with: marks)
      classes.replaceSubrange(start..<end, with: values)
      start = end
    }
    return classes
  }

  private static func combiningClass(_ scalar: UInt32) -> UInt8 {
    guard scalar >= firstOfInterest, let scalar = Unicode.Scalar(scalar) else { return 0 }
    let properties = scalar.properties
    let value = properties.canonicalCombiningClass.rawValue
    guard value != 0, let age = properties.age, age <= (9, 0) else { return 0 }
    return value
  }

  private func compose(_ scalars: [UInt32], _ classes: [UInt8]) -> [UInt32] {
    var result: [UInt32] = []
    result.reserveCapacity(scalars.count)
    /// Where the last scalar without a class is in `result`.
    var starter: Int?
    /// The class of the last scalar kept after it.
    var last: UInt8 = 0
    for (scalar, combining) in zip(scalars, classes) {
      if let starter, last < combining || last == 0 && starter == result.count - 1,
        let whole = pair(result[starter], scalar)
      {
        result[starter] = whole
        continue
      }
      result.append(scalar)
      if combining == 0 { starter = result.count - 1 }
      last = combining
    }
    return result
  }

  private func pair(_ first: UInt32, _ second: UInt32) -> UInt32? {
    guard second >= Self.firstOfInterest else { return nil }
    return Hangul.composed(first, second) ?? compositions[UInt64(first) << 32 | UInt64(second)]
  }
}

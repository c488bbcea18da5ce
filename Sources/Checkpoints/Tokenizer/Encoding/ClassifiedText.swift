/// A text as the split patterns see it: its scalars, the classes of each, and where each begins in
/// the text's UTF-8.
struct ClassifiedText {
  let scalars: [UInt32]
  /// `ScalarClasses` of each scalar, as raw values.
  private let classes: [UInt8]
  /// Where each scalar begins, and the end of the text, from the text's own start.
  private let offsets: [UInt32]
  private let start: Int

  var count: Int { scalars.count }

  /// - Parameter utf8: well-formed UTF-8.
  init(_ utf8: ArraySlice<UInt8>) {
    var scalars: [UInt32] = []
    var offsets: [UInt32] = []
    scalars.reserveCapacity(utf8.count)
    offsets.reserveCapacity(utf8.count + 1)
    for index in utf8.indices {
      let byte = UInt32(utf8[index])
      switch byte {
      case 0x80..<0xc0: scalars[scalars.count - 1] = scalars[scalars.count - 1] << 6 | byte & 0x3f
      case 0x00..<0x80: scalars.append(byte)
      case 0xc0..<0xe0: scalars.append(byte & 0x1f)
      case 0xe0..<0xf0: scalars.append(byte & 0x0f)
      default: scalars.append(byte & 0x07)
      }
      if byte & 0xc0 != 0x80 { offsets.append(UInt32(index - utf8.startIndex)) }
    }
    offsets.append(UInt32(utf8.count))
    self.scalars = scalars
    self.offsets = offsets
    start = utf8.startIndex
    classes = ScalarClasses.classes(of: scalars)
  }

  /// The bytes of a run of scalars, as indices of the text it was made of.
  func bytes(_ first: Int, _ end: Int) -> Range<Int> {
    (start + Int(offsets[first]))..<(start + Int(offsets[end]))
  }

  /// Whether a scalar is of one of the classes.
  func isAny(_ set: ScalarClasses, at position: Int) -> Bool {
    classes[position] & set.rawValue != 0
  }

  /// The end of the run from `position` on of scalars that are of one of the classes.
  func endOfRun(of set: ScalarClasses, from position: Int, to end: Int) -> Int {
    var position = position
    while position < end, classes[position] & set.rawValue != 0 { position += 1 }
    return position
  }

  /// The end of the run from `position` on of scalars that are of none of the classes.
  func endOfRun(outside set: ScalarClasses, from position: Int, to end: Int) -> Int {
    var position = position
    while position < end, classes[position] & set.rawValue == 0 { position += 1 }
    return position
  }
}

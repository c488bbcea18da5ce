extension String {
  /// The text with everything a terminal could act on made visible: control characters, bidirectional
  /// overrides, line separators. Names from files are shown in this form only.
  package var escapedForDisplay: String {
    var result = ""
    for scalar in unicodeScalars {
      switch scalar.value {
      case 0x00..<0x20, 0x7f..<0xa0, 0x61c, 0x200b...0x200f, 0x2028...0x202e, 0x2060...0x206f,
        0xfeff,
        0xfff9...0xfffb, 0xe0000...0xe007f:
        result += "\\u{" + String(scalar.value, radix: 16) + "}"
      default: result.unicodeScalars.append(scalar)
      }
    }
    return result
  }
}

/// What a token is, by the number that `tokenizer.ggml.token_type` holds.
enum TokenType: Int32, Sendable {
  case normal = 1
  case unknown = 2
  case control = 3
  case userDefined = 4
  case unused = 5
  case byte = 6

  /// The type of an added token: control if it is marked special or its text looks it.
  init(addedToken text: String, special: Bool) {
    self = special || Self.looksSpecial(text) ? .control : .userDefined
  }

  /// Markers that some tokenizers list without marking them special (DeepSeek's `<｜User｜>`).
  /// The list is llama.cpp's (conversion/base.py).
  static func looksSpecial(_ text: String) -> Bool {
    switch text {
    case "<pad>", "<mask>", "<2mass>", "[@BOS@]": true
    default:
      text.isBracketed("<|", "|>") || text.isBracketed("<｜", "｜>")
        || text.isBracketed("<unused", ">")
    }
  }

  /// The byte of a piece spelled `<0x0A>`, as SentencePiece spells them.
  static func isBytePiece(_ utf8: ArraySlice<UInt8>) -> Bool {
    guard utf8.count == 6, utf8.starts(with: "<0x".utf8), utf8.last == UInt8(ascii: ">") else {
      return false
    }
    return utf8.dropFirst(3).dropLast().allSatisfy { byte in
      switch byte {
      case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "A")...UInt8(ascii: "F"),
        UInt8(ascii: "a")...UInt8(ascii: "f"):
        true
      default: false
      }
    }
  }
}

extension String {
  /// Compares bytes: two spellings of one character are two texts to a tokenizer.
  fileprivate func isBracketed(_ head: String, _ tail: String) -> Bool {
    utf8.starts(with: head.utf8) && utf8.reversed().starts(with: tail.utf8.reversed())
  }

  /// The text with SentencePiece's visible space (U+2581) as a space, which is how readers
  /// expect user-defined tokens.
  var withPlainSpaces: String {
    var result = String.UnicodeScalarView()
    for scalar in unicodeScalars { result.append(scalar == "\u{2581}" ? " " : scalar) }
    return String(result)
  }
}

import QuernContainers

/// The pieces of a SentencePiece `tokenizer.model`, in the order of their ids.
///
/// Message fields (sentencepiece_model.proto): 1 = piece, repeated {1 text, 2 score, 3 type};
/// 2 = trainer {3 model type}. Everything else is skipped.
struct SentencePieceModel {
  static let file = "tokenizer.model"

  private(set) var texts = GGUFStrings()
  private(set) var scores: [Float] = []
  private(set) var types: [TokenType] = []
  /// Trained as a unigram model, whose best segmentation readers that merge by score may miss.
  private(set) var isUnigram = true

  var count: Int { texts.count }

  init(parsing bytes: [UInt8]) throws(TokenizerError) {
    var reader = ProtobufReader(bytes, range: 0..<bytes.count, file: Self.file)
    while let (number, payload) = try reader.nextField() {
      switch (number, payload) {
      case (1, .bytes(let range)): try addPiece(bytes, range)
      case (2, .bytes(let range)): try readTrainer(bytes, range)
      default: continue
      }
    }
    guard count > 0 else {
      throw TokenizerError(
        file: Self.file, field: "pieces", found: "none", expected: "at least one piece")
    }
  }

  private mutating func readTrainer(
    _ bytes: [UInt8], _ range: Range<Int>
  ) throws(TokenizerError) {
    var reader = ProtobufReader(bytes, range: range, file: Self.file)
    while let (number, payload) = try reader.nextField() {
      if number == 3, case .varint(let kind) = payload { isUnigram = kind == 1 }
    }
  }

  private mutating func addPiece(_ bytes: [UInt8], _ range: Range<Int>) throws(TokenizerError) {
    guard count < TokenTable.maximumSize else {
      throw error("pieces", found: "more than \(count)", expected: "at most that many")
    }
    var text = range.lowerBound..<range.lowerBound
    var score: Float = 0
    var type = TokenType.normal
    var reader = ProtobufReader(bytes, range: range, file: Self.file)
    while let (number, payload) = try reader.nextField() {
      switch (number, payload) {
      case (1, .bytes(let range)): text = range
      case (2, .fixed32(let bits)): score = Float(bitPattern: bits)
      case (3, .varint(let kind)): type = try pieceType(kind)
      case (1...3, _):
        throw error("piece \(count)", found: "field \(number) of another kind", expected: "a piece")
      default: continue
      }
    }
    guard String(validating: bytes[text], as: UTF8.self) != nil else {
      throw error("piece \(count)", found: "a text that is not UTF-8", expected: "UTF-8")
    }
    guard score.isFinite else {
      throw error("piece \(count)", found: "the score \(score)", expected: "a finite score")
    }
    texts.append(bytes[text])
    scores.append(score)
    types.append(type)
  }

  /// A user-defined piece counts as normal here: only what the other files list as an added token
  /// is written as user defined (llama.cpp, conversion/base.py).
  private func pieceType(_ kind: UInt64) throws(TokenizerError) -> TokenType {
    switch kind {
    case 1, 4: .normal
    case 2: .unknown
    case 3: .control
    case 5: .unused
    case 6: .byte
    default: throw error("piece \(count)", found: "type \(kind)", expected: "a type from 1 to 6")
    }
  }

  private func error(_ field: String, found: String, expected: String) -> TokenizerError {
    TokenizerError(file: Self.file, field: field, found: found, expected: expected)
  }
}

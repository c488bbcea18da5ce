import QuernQuantization
import QuernTensors

/// How the values of a source tensor are stored.
public enum SourceEncoding: Hashable, Sendable, CustomStringConvertible {
  /// One stored element per value, no scale.
  case plain(ElementType)
  /// FP8 codes with one scale per `blockRows × blockColumns` block; the last blocks may be partial.
  case fp8(ElementType, scale: ElementType, blockRows: Int, blockColumns: Int)
  /// FP4 E2M1, two per byte along the row (low nibble first), one E8M0 scale per 32.
  case fp4
  /// Integer codes with scales of this type in a tensor of their own; I64 holds the bits of a float32
  /// in its low half. A value is the float32 of code × scale.
  case integers(IntegerStorage, scale: ElementType)
  /// Blocks of GGUF. NVFP4 may have a factor for each part of the tensor in a tensor of its own.
  case blocks(NumberFormat)

  public var description: String {
    switch self {
    case .plain(let type): type.rawValue
    case .fp8(let type, let scale, let rows, let columns):
      "\(type.rawValue)/\(rows)x\(columns) \(scale == .f8e8m0 ? "E8M0" : scale.rawValue)"
    case .fp4: "FP4/32 E8M0"
    case .integers(let storage, let scale): "\(storage) \(scale.rawValue)" + storage.packingNote
    case .blocks(let format): format.ggmlName
    }
  }

  /// Elements that share one FP4 scale.
  package static let fp4Group = 32

  /// Bytes of the codes of some rows, which are a whole number of granules.
  package func codeByteCount(rows: Int, rowLength: Int) -> Int {
    switch self {
    case .plain(let type): rows * (rowLength * type.bitWidth / 8)
    case .fp8: rows * rowLength
    case .fp4: rows * (rowLength / 2)
    case .integers(let storage, _): storage.codeByteCount(rows: rows, rowLength: rowLength)
    case .blocks(let format): rows * (rowLength / format.blockElements * format.blockBytes)
    }
  }

  /// Rows that share a row of bytes.
  package var rowGranule: Int {
    if case .integers(let storage, _) = self { storage.rowGranule } else { 1 }
  }

  /// True for integer codes with scales.
  package var isInteger: Bool { if case .integers = self { true } else { false } }

  /// True for values that a quantizer can take; false for index tables.
  package var isFloatingPoint: Bool {
    switch self {
    case .plain(let type): [.f32, .f16, .bf16].contains(type)
    case .fp8, .fp4, .integers, .blocks: true
    }
  }
}

extension IntegerStorage: CustomStringConvertible {
  /// Type of the codes and elements of a scale: `I8/row`, `I4/32`.
  public var description: String {
    "I\(bits.rawValue)/" + (groupElements.map(String.init) ?? "row")
  }

  fileprivate var packingNote: String {
    switch packing {
    case .bytes: bits == .four ? " (bytes)" : ""
    case .rowPairs: " (row pairs)"
    case .words: " (words)"
    }
  }
}

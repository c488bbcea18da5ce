import QuernTensors

/// How the values of a source tensor are stored.
public enum SourceEncoding: Hashable, Sendable, CustomStringConvertible {
  /// One stored element per value, no scale.
  case plain(ElementType)
  /// FP8 codes with one scale per `blockRows × blockColumns` block; the last blocks may be partial.
  case fp8(ElementType, scale: ElementType, blockRows: Int, blockColumns: Int)
  /// FP4 E2M1, two per byte along the row (low nibble first), one E8M0 scale per 32.
  case fp4

  public var description: String {
    switch self {
    case .plain(let type): type.rawValue
    case .fp8(let type, let scale, let rows, let columns):
      "\(type.rawValue)/\(rows)x\(columns) \(scale == .f8e8m0 ? "E8M0" : scale.rawValue)"
    case .fp4: "FP4/32 E8M0"
    }
  }

  /// Elements that share one FP4 scale.
  package static let fp4Group = 32

  /// Bytes of one row of codes.
  package func rowByteCount(rowLength: Int) -> Int {
    switch self {
    case .plain(let type): rowLength * type.bitWidth / 8
    case .fp8: rowLength
    case .fp4: rowLength / 2
    }
  }

  /// True for values that a quantizer can take; false for index tables.
  package var isFloatingPoint: Bool {
    switch self {
    case .plain(let type): [.f32, .f16, .bf16].contains(type)
    case .fp8, .fp4: true
    }
  }
}

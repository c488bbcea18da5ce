/// A number format of GGUF, by the word that recipes use for it.
public enum NumberFormat: String, CaseIterable, Sendable {
  case f32
  case f16
  case bf16
  case i32
  case q8_0
  case q4_0
  case q4_1
  case q5_0
  case q5_1
  case iq4_nl
  case mxfp4
  case nvfp4
  case q4_k
  case q5_k
  case q6_k
  case iq4_xs

  /// Name and id in GGUF and the size of a block, as in `formats/types.json`.
  private var layout: (ggmlName: String, ggmlTypeID: UInt32, elements: Int, bytes: Int) {
    switch self {
    case .f32: ("F32", 0, 1, 4)
    case .f16: ("F16", 1, 1, 2)
    case .bf16: ("BF16", 30, 1, 2)
    case .i32: ("I32", 26, 1, 4)
    case .q8_0: ("Q8_0", 8, 32, 34)
    case .q4_0: ("Q4_0", 2, 32, 18)
    case .q4_1: ("Q4_1", 3, 32, 20)
    case .q5_0: ("Q5_0", 6, 32, 22)
    case .q5_1: ("Q5_1", 7, 32, 24)
    case .iq4_nl: ("IQ4_NL", 20, 32, 18)
    case .mxfp4: ("MXFP4", 39, 32, 17)
    case .nvfp4: ("NVFP4", 40, 64, 36)
    case .q4_k: ("Q4_K", 12, 256, 144)
    case .q5_k: ("Q5_K", 13, 256, 176)
    case .q6_k: ("Q6_K", 14, 256, 210)
    case .iq4_xs: ("IQ4_XS", 23, 256, 136)
    }
  }

  /// ggml's name.
  public var ggmlName: String { layout.ggmlName }

  /// ggml's type id, as in a GGUF tensor table.
  public var ggmlTypeID: UInt32 { layout.ggmlTypeID }

  /// The format of a type id, or nil when Quern cannot read it.
  public init?(ggmlTypeID: UInt32) {
    guard let format = Self.allCases.first(where: { $0.ggmlTypeID == ggmlTypeID }) else {
      return nil
    }
    self = format
  }

  /// Elements that share a block, along the row; 1 for formats without blocks.
  public var blockElements: Int { layout.elements }

  /// Bytes of one block.
  public var blockBytes: Int { layout.bytes }

  /// Bits of storage for one element, scales included.
  public var bitsPerElement: Double { Double(8 * blockBytes) / Double(blockElements) }

  /// Whether rows of this length can be stored: they must be whole blocks.
  public func divides(rowLength: Int) -> Bool { rowLength % blockElements == 0 }

  /// Bytes of `elements` elements, or nil when they are no whole number of blocks, negative, or
  /// too many to count.
  public func byteCount(elements: Int) -> Int? {
    guard elements >= 0, divides(rowLength: elements) else { return nil }
    let (bytes, overflow) = (elements / blockElements).multipliedReportingOverflow(by: blockBytes)
    return overflow ? nil : bytes
  }

  /// Offsets in a block of its F16 scales (`d`, and `dmin` or `m` where there is one); empty for
  /// formats whose scales are none.
  package var f16ScaleOffsets: [Int] {
    switch self {
    case .f32, .f16, .bf16, .i32, .mxfp4, .nvfp4: []
    case .q8_0, .q4_0, .q5_0, .iq4_nl, .iq4_xs: [0]
    case .q4_1, .q5_1, .q4_k, .q5_k: [0, 2]
    case .q6_k: [208]
    }
  }
}

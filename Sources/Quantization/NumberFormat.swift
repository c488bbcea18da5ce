/// A number format of GGUF, by the word that recipes use for it.
public enum NumberFormat: String, CaseIterable, Sendable {
  case f32
  case f16
  case bf16
  case i32
  case q8_0
  case q4_0
  case mxfp4

  /// ggml's name, as in `formats/types.json`.
  public var ggmlName: String {
    switch self {
    case .f32: "F32"
    case .f16: "F16"
    case .bf16: "BF16"
    case .i32: "I32"
    case .q8_0: "Q8_0"
    case .q4_0: "Q4_0"
    case .mxfp4: "MXFP4"
    }
  }

  /// ggml's type id, as in a GGUF tensor table.
  public var ggmlTypeID: UInt32 {
    switch self {
    case .f32: 0
    case .f16: 1
    case .q4_0: 2
    case .q8_0: 8
    case .i32: 26
    case .bf16: 30
    case .mxfp4: 39
    }
  }

  /// The format of a type id, or nil when Quern cannot read it.
  public init?(ggmlTypeID: UInt32) {
    guard let format = Self.allCases.first(where: { $0.ggmlTypeID == ggmlTypeID }) else {
      return nil
    }
    self = format
  }

  /// Elements that share a block, along the row; 1 for formats without blocks.
  public var blockElements: Int {
    switch self {
    case .f32, .f16, .bf16, .i32: 1
    case .q8_0, .q4_0, .mxfp4: 32
    }
  }

  /// Bytes of one block.
  public var blockBytes: Int {
    switch self {
    case .f32, .i32: 4
    case .f16, .bf16: 2
    case .q8_0: 34
    case .q4_0: 18
    case .mxfp4: 17
    }
  }

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
}

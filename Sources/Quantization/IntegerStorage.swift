/// How the codes and scales of a matrix [rows, columns] of integers lie in files that keep them in
/// tensors of their own.
///
/// What the layouts of msModelSlim and compressed-tensors have in common; `formats/ascend` and
/// `formats/compressed-tensors` have their names and examples.
public struct IntegerStorage: Hashable, Sendable {
  /// How codes become bytes.
  public enum Packing: String, CaseIterable, Sendable {
    /// Two's complement, a byte for each: I8 [rows, columns].
    case bytes
    /// Four bits, two rows to a row of bytes, the even one in the low half: I8 [rows/2, columns].
    case rowPairs = "row-pairs"
    /// Code + 2^(bits − 1), unsigned, 32/bits to a little-endian word along the row, the first in the
    /// lowest bits; the last word of a row is filled with zeros: I32 [rows, ⌈columns·bits/32⌉].
    case words
  }

  public var bits: IntegerGroupLayout.CodeBits
  /// Elements of a row that share a scale; nil for a scale for each row.
  public var groupElements: Int?
  /// The type whose numbers scales are, whatever type holds them.
  public var scaleValues: IntegerGroupLayout.ScaleType
  public var packing: Packing

  public init(
    bits: IntegerGroupLayout.CodeBits, groupElements: Int? = nil,
    scaleValues: IntegerGroupLayout.ScaleType = .bf16, packing: Packing
  ) {
    self.bits = bits
    self.groupElements = groupElements
    self.scaleValues = scaleValues
    self.packing = packing
  }

  /// Elements that share a scale in rows of this length.
  public func groupElements(rowLength: Int) -> Int { groupElements ?? rowLength }

  /// Scales of one row of this length; the last group may be a partial one.
  public func groupsPerRow(rowLength: Int) -> Int {
    guard let groupElements, groupElements > 0 else { return 1 }
    return rowLength / groupElements + (rowLength % groupElements == 0 ? 0 : 1)
  }

  /// Rows that share a row of bytes: chunks are whole multiples of it.
  public var rowGranule: Int { packing == .rowPairs ? 2 : 1 }

  /// Bytes of the codes of some rows, a whole number of granules of them.
  public func codeByteCount(rows: Int, rowLength: Int) -> Int {
    switch packing {
    case .bytes: rows * rowLength
    case .rowPairs: rows / 2 * rowLength
    case .words: rows * 4 * ((rowLength * bits.rawValue + 31) / 32)
    }
  }

  /// How the encoders see groups of rows of this length.
  public func layout(rowLength: Int) -> IntegerGroupLayout {
    IntegerGroupLayout(
      bits: bits, groupElements: groupElements(rowLength: rowLength), scaleType: scaleValues)
  }
}

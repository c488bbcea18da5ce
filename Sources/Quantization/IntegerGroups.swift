/// Rows as groups of integers, each part in an array of its own.
public struct IntegerGroups: Equatable, Sendable {
  /// How scales (and zero points) are chosen.
  public enum Method: String, CaseIterable, Sendable {
    /// From the largest magnitude, or the range with zero points: nothing is cut.
    case absmax
    /// Searched for the least weighted squared error.
    case optimal
  }

  public let layout: IntegerGroupLayout
  /// A code for each element, within `layout.codes`.
  public var codes: [Int8]
  /// A scale for each group, a number of the layout's scale type.
  public var scales: [Float]
  /// A zero point for each group; empty where the layout has none.
  public var zeroPoints: [Int8]

  public init(layout: IntegerGroupLayout, codes: [Int8], scales: [Float], zeroPoints: [Int8] = []) {
    self.layout = layout
    self.codes = codes
    self.scales = scales
    self.zeroPoints = zeroPoints
  }

  /// (code − zero point) · scale in float32, rounded once.
  ///
  /// Nil when the counts of codes, scales and zero points do not fit together.
  public func decoded() -> [Float]? {
    let group = layout.groupElements
    guard group > 0, codes.count % group == 0, scales.count == codes.count / group,
      zeroPoints.count == (layout.hasZeroPoints ? scales.count : 0)
    else { return nil }
    return codes.indices.map { index in
      let zero = layout.hasZeroPoints ? Int(zeroPoints[index / group]) : 0
      return Float(Int(codes[index]) - zero) * scales[index / group]
    }
  }
}

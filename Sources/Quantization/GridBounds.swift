import QuernTensors

/// How far a weight on the FP4 grid can be from its Q4_0 value.
///
/// The unit is the smallest magnitude of a block, 2^(scale byte − 128); values are 0 ±1 ±2 ±3 ±4 ±6
/// ±8 ±12 units.
package enum GridBounds {
  /// The largest error in units of any value of `codes` under a step in units, each value taking the
  /// nearest of −8…7 steps. With all codes of the grid this is the bound that the step alone gives.
  package static func largestError(step: Float, codes: some Sequence<UInt8> = 0..<16) -> Float {
    codes.reduce(0) { largest, code in
      let value = 2 * E2M1.decode(code)
      let nearest = min(7, max(-8, (value / step).rounded(.toNearestOrEven)))
      return max(largest, (value - step * nearest).magnitude)
    }
  }

  /// Scale bytes under which F16 holds every step by halves of a unit, up to 3½.
  package static let q4_0ScaleBytes: ClosedRange<UInt8> = 105...142

  /// A bound on |source − output| for every weight of a block that was encoded without importance
  /// weights, from its scale byte alone: 1½ units. Nil where the best step may be no F16.
  ///
  /// Steps are from 1 to 3 units, so that a value between two codes is off by 1½ at most, and 8 that
  /// meets the largest code, 7, by 1. 12 would be off by more under small steps: where it occurs they
  /// are at least 1½, or 1 5/16 if only code −8 meets it.
  package static func q4_0Bound(scaleByte: UInt8) -> Float? {
    guard q4_0ScaleBytes.contains(scaleByte) else { return nil }
    return 0.75 * E8M0.decode(scaleByte)
  }
}

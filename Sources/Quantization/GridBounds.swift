import QuernTensors

/// How far a weight on the FP4 grid can be from its Q4_0 value.
///
/// The unit is the smallest magnitude of a block, 2^(scale byte − 128); values are 0 ±1 ±2 ±3 ±4 ±6
/// ±8 ±12 units. The encoder takes the step of least squared error among ±{1, 1½, 2, 3, 4} units.
package enum GridBounds {
  /// The largest error of a weight under each step, in units, by the size of the step in halves of
  /// a unit, for the steps the encoder takes.
  ///
  /// Step 1 saturates: 12 becomes at best 8, 4 units off. The other end of the scale, where it
  /// becomes 7, is never taken: with the sign changed the error is smaller, unless nine elements
  /// are −8, and then step 2, off by at most one unit for each of the others, costs less.
  package static func largestError(stepInHalves: Int) -> Float? {
    switch abs(stepInHalves) {
    case 2: 4
    case 3: 1.5
    case 4, 6: 1
    case 8: 2
    default: nil
    }
  }

  /// A bound on |source − output| that holds for every weight of a block with this scale byte, from
  /// the scale byte alone; nil where a step may be no F16 and the block falls back to absmax.
  package static func q4_0Bound(scaleByte: UInt8) -> Float? {
    // 1½ units need 2^-24 as their last bit; 4 units must be at most 2^15.
    guard (105...141).contains(scaleByte) else { return nil }
    return 2 * E8M0.decode(scaleByte)
  }
}

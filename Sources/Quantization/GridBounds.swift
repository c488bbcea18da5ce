import QuernTensors

/// How far a weight on the FP4 grid can be from its Q4_0 value.
///
/// The unit is the smallest magnitude of a block, 2^(scale byte − 128); values are 0 ±1 ±2 ±3 ±4 ±6
/// ±8 ±12 units. The encoder takes the step of least squared error among ±{1, 1½, 2, 3, 4} units.
package enum GridBounds {
  /// The largest error of a weight in units, by the size of the step taken, in halves of a unit;
  /// nil for steps that are never the best.
  ///
  /// Step 1 would be off by 4 units or more on ±12, but is not taken where there is one: step 1½ of
  /// the right sign costs at most 2¼ for each ±12 and ¼ for each other element, step 1 at least 16.
  /// What is left is 8 saturating at 7. Under step 1½ it is 12 that saturates, at 10½. Step 4 is for no
  /// element closer than step 2.
  package static func largestError(stepInHalves: Int) -> Float? {
    switch abs(stepInHalves) {
    case 2, 4, 6: 1
    case 3: 1.5
    default: nil
    }
  }

  /// A bound on |source − output| for every weight of a block, from its scale byte alone: 1½ units.
  /// Nil where the best step may be no F16 and the block falls back to absmax.
  package static func q4_0Bound(scaleByte: UInt8) -> Float? {
    // 1½ units need 2^-24 as their last bit; 3 units must be below 2^16.
    guard (105...142).contains(scaleByte) else { return nil }
    return 0.75 * E8M0.decode(scaleByte)
  }
}

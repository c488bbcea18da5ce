/// How a runtime turns the inputs of a matrix into integers, where calibration data has fixed it:
/// q = round(x / scale + offset), from −128 to 127.
package struct StaticActivation: Hashable, Sendable {
  package let scale: Float
  /// A whole number from −128 to 127.
  package let offset: Int
}

import QuernQuantization
import QuernTensors

/// Whether every code of a block is the nearest that its stored scale offers.
///
/// Scales are the encoder's choice, codes are not: under a given scale the nearest value has the least
/// error, whatever elements weigh. Any encoder of least squares ends with this rounding.
struct NearestCodes {
  /// How much farther than the nearest a value may be, as a part: codes are rounded after a
  /// multiplication by a reciprocal, so that either side of a tie can win.
  private static let tolerance: Float = 1e-4

  /// True for encoders that round by the scale before it became an F16.
  let usesUnroundedScale: Bool

  static let ties = NearestCodes(usesUnroundedScale: false)
  static let unroundedScale = NearestCodes(usesUnroundedScale: true)

  /// - Parameter block: the bytes of one block.
  func hold(
    _ format: NumberFormat, _ source: UnsafeBufferPointer<Float>, _ block: UnsafeRawBufferPointer
  ) -> Bool {
    guard let stored = BlockCodes(format, block) else { return true }
    // A scale that is off by a part moves every value by that part, and a tie by twice as much.
    let part = 0x1p-21 + (usesUnroundedScale ? 2 * Self.roundingOfScale(format, block) : 0)
    return stored.points.withUnsafeBufferPointer { points in
      stored.groups.withUnsafeBufferPointer { groups in
        stored.codes.withUnsafeBufferPointer { codes in
          source.indices.allSatisfy { index in
            isNearest(
              source[index], codes[index], groups[index / stored.groupLength], points, part)
          }
        }
      }
    }
  }

  /// How far an F16 scale may be from the number it was made of, as a part of it.
  private static func roundingOfScale(_ format: NumberFormat, _ block: UnsafeRawBufferPointer)
    -> Float
  {
    guard let offset = format.f16ScaleOffsets.first else { return 0 }
    let magnitude = block.littleEndianUInt16(at: offset) & 0x7fff
    return magnitude >= 0x400 ? 0x1p-11 : 0.5 / Float(max(magnitude, 1))
  }

  /// Points ascend, so that a nearer value would be nearer on one side at once.
  @inline(__always)
  private func isNearest(
    _ value: Float, _ code: Int, _ group: BlockCodes.Group, _ points: UnsafeBufferPointer<Float>,
    _ part: Float
  ) -> Bool {
    let error = distance(value, group, points[code])
    let below = code > 0 ? distance(value, group, points[code - 1]) : .infinity
    let above = code + 1 < points.count ? distance(value, group, points[code + 1]) : .infinity
    // Offsets may be far larger than steps: their rounding is allowed as well.
    let rounding = (value.magnitude + group.offset.magnitude) * part
    return error <= min(below, above) * (1 + Self.tolerance) + rounding
  }

  @inline(__always)
  private func distance(_ value: Float, _ group: BlockCodes.Group, _ point: Float) -> Float {
    (value - (group.scale * point + group.offset)).magnitude
  }
}

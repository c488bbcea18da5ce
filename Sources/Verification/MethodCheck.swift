import QuernConversion
import QuernQuantization
import QuernTensors

/// Checks that stored blocks are what the method of their tensor gives for the source values.
///
/// A certificate that honestly measures what a broken encoder wrote would pass a comparison of
/// figures. So the rule of each method is stated here once more, from the format's definition and
/// without the encoders:
///
/// | method | rule |
/// |---|---|
/// | `cast` | the nearest value |
/// | `absmax` | the scale that follows from the largest magnitude, and its codes |
/// | `optimal` | the nearest codes under the stored scales; no more error than `absmax`, where that has one scale and errors are not weighted |
/// | `ggml` | the nearest codes under the stored scales, which its search rounds only afterwards |
/// | `grid-aware` | equal values where the format has them, else the nearest codes; for Q4_0 the best step |
/// | `gptq` | none: a code makes up for the errors of those before it |
struct MethodCheck {
  let method: PlannedTensor.Method
  let format: NumberFormat
  /// True where errors were weighted.
  var isWeighted = false

  /// The first block that breaks the rule, or nil; an element counts as a block of one.
  ///
  /// - Parameters:
  ///   - stored: the bytes of whole blocks.
  ///   - decoded: their values.
  ///   - scales: E8M0 bytes of the source, one for each 32 elements, where it is on the FP4 grid.
  func firstViolation(
    source: UnsafeBufferPointer<Float>, stored: UnsafeRawBufferPointer,
    decoded: UnsafeBufferPointer<Float>, scales: [UInt8]?
  ) -> Int? {
    switch format {
    case .f32, .i32: return nil
    case .f16:
      return source.indices.first {
        stored.littleEndianUInt16(at: 2 * $0) != F16.encode(source[$0])
      }
    case .bf16:
      return source.indices.first {
        stored.littleEndianUInt16(at: 2 * $0) != BF16.encode(source[$0])
      }
    default:
      let (length, size) = (format.blockElements, format.blockBytes)
      return (0..<source.count / length).first { block in
        let elements = length * block..<length * (block + 1)
        let own = length / 32 * block..<length / 32 * (block + 1)
        return !isRight(
          UnsafeBufferPointer(rebasing: source[elements]),
          UnsafeRawBufferPointer(rebasing: stored[block * size..<(block + 1) * size]),
          UnsafeBufferPointer(rebasing: decoded[elements]), scales: scales?[own])
      }
    }
  }

  private func isRight(
    _ source: UnsafeBufferPointer<Float>, _ stored: UnsafeRawBufferPointer,
    _ decoded: UnsafeBufferPointer<Float>, scales: ArraySlice<UInt8>?
  ) -> Bool {
    switch method {
    case .copy, .cast, .gptq: return true
    case .absmax: return AbsmaxRules.hold(format, source, stored, decoded) ?? false
    case .ggml: return NearestCodes.unroundedScale.hold(format, source, stored)
    case .optimal:
      return NearestCodes.ties.hold(format, source, stored)
        && (isWeighted || isNoWorse(source, decoded))
    case .gridAware: return isFromGrid(source, stored, decoded, scales: scales ?? [])
    }
  }

  /// No more error than the one-pass rule's; both are sums of rounded numbers.
  private func isNoWorse(
    _ source: UnsafeBufferPointer<Float>, _ decoded: UnsafeBufferPointer<Float>
  ) -> Bool {
    guard let bound = AbsmaxRules.error(format, source) else { return true }
    var (error, signal) = (0.0, 0.0)
    for index in source.indices {
      let difference = Double(source[index]) - Double(decoded[index])
      error += difference * difference
      signal += Double(source[index]) * Double(source[index])
    }
    return error <= bound * (1 + 1e-5) + signal * 1e-13
  }

  private func isFromGrid(
    _ source: UnsafeBufferPointer<Float>, _ stored: UnsafeRawBufferPointer,
    _ decoded: UnsafeBufferPointer<Float>, scales: ArraySlice<UInt8>
  ) -> Bool {
    // Equal values need no rule.
    if source.elementsEqual(decoded) { return true }
    if GridRules.isExact(format, scales) { return false }
    if format == .q4_0, !isWeighted, let scale = scales.first, (105...142).contains(scale) {
      return GridRules.isBestStep(source, stored, decoded, scale)
    }
    // Where no step of the grid can be stored the encoders fall back to a rule for values.
    return NearestCodes.ties.hold(format, source, stored)
      || AbsmaxRules.hold(format, source, stored, decoded) ?? false
  }
}

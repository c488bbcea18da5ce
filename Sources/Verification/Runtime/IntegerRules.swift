import QuernConversion
import QuernQuantization
import QuernTensors

/// What rows of integers must be by their method, from the definition (`formats/integer-groups`) and
/// without the encoders.
///
/// | method | rule |
/// |---|---|
/// | `absmax` | the scale is largest magnitude / top, rounded up to BF16, 1 for zeros; its codes |
/// | `optimal` | the nearest codes under the stored scale; no more error than `absmax`, where errors are not weighted |
/// | `grid-aware` | equal values wherever a power of two allows them, else as `optimal` |
/// | `gptq` | none: a code makes up for the errors of those before it |
struct IntegerRules {
  let method: PlannedTensor.Method
  let isWeighted: Bool
  let tile: IntegerTile

  /// Scale bytes of E8M0 whose powers of two are ordinary numbers of BF16, whatever codes they meet.
  private static let ordinaryScales: ClosedRange<UInt8> = 16...240
  private static let tieTolerance: Float = 1e-4

  private var top: Float { tile.storage.bits == .eight ? 127 : 7 }
  private var least: Float { tile.storage.bits == .eight ? -127 : -8 }

  /// The first row of the tile that breaks the rule.
  ///
  /// - Parameter gridScales: E8M0 bytes of the source, one for each 32 elements, where it is on the FP4
  ///   grid.
  func firstWrongRow(source: [Float], decoded: [Float], gridScales: [UInt8]?) -> Int? {
    source.withUnsafeBufferPointer { source in
      decoded.withUnsafeBufferPointer { decoded in
        (0..<tile.rowCount).first { row in
          !isRight(row, source, decoded, gridScales)
        }
      }
    }
  }

  private func isRight(
    _ row: Int, _ source: UnsafeBufferPointer<Float>, _ decoded: UnsafeBufferPointer<Float>,
    _ gridScales: [UInt8]?
  ) -> Bool {
    (0..<tile.groupsPerRow).allSatisfy { group in
      let start = group * tile.groupElements
      let range =
        row * tile.rowLength + start..<row * tile.rowLength
        + min(tile.rowLength, start + tile.groupElements)
      let values = UnsafeBufferPointer(rebasing: source[range])
      let written = UnsafeBufferPointer(rebasing: decoded[range])
      let scale = tile.scales[row * tile.groupsPerRow + group]
      let codes = tile.codes[range]
      switch method {
      case .copy, .cast, .ggml, .gptq: return true
      case .absmax: return isAbsmax(values, codes, scale)
      case .optimal: return isOptimal(values, written, codes, scale)
      case .gridAware:
        if values.elementsEqual(written) { return true }
        if let gridScales,
          canBeExact(values, gridScales[range.lowerBound / 32..<range.upperBound / 32])
        {
          return false
        }
        return isOptimal(values, written, codes, scale)
      }
    }
  }

  // MARK: Rules

  /// Largest magnitude / top, rounded up to BF16; 1 where that is 0 or has no finite inverse.
  private func absmaxScale(_ values: UnsafeBufferPointer<Float>) -> Float {
    var largest: Float = 0
    for value in values where value.magnitude > largest { largest = value.magnitude }
    let bits = (largest / top).bitPattern
    let scale = Float(bitPattern: bits & 0xffff == 0 ? bits : (bits | 0xffff) &+ 1)
    return scale == 0 || (1 / scale).isInfinite ? 1 : scale
  }

  private func isAbsmax(
    _ values: UnsafeBufferPointer<Float>, _ codes: ArraySlice<Int8>, _ scale: Float
  ) -> Bool {
    guard scale == absmaxScale(values) else { return false }
    // The scale of a group without one is 1, and stands for 0.
    let isZero = values.allSatisfy { $0.magnitude / top < 0x1p-126 }
    let inverse = isZero ? 0 : 1 / scale
    return zip(values, codes).allSatisfy { value, code in
      let place = (value * inverse).rounded(.toNearestOrEven)
      return Float(code) == min(top, max(least, place))
    }
  }

  private func isOptimal(
    _ values: UnsafeBufferPointer<Float>, _ decoded: UnsafeBufferPointer<Float>,
    _ codes: ArraySlice<Int8>, _ scale: Float
  ) -> Bool {
    let isNearest = zip(values, codes).allSatisfy { value, code in
      let error = (value - scale * Float(code)).magnitude
      let below = Float(code) > least ? (value - scale * Float(code - 1)).magnitude : .infinity
      let above = Float(code) < top ? (value - scale * Float(code + 1)).magnitude : .infinity
      return error <= min(below, above) * (1 + Self.tieTolerance) + value.magnitude * 0x1p-21
    }
    return isNearest && (isWeighted || isNoWorse(values, decoded))
  }

  /// No more error than absmax's; both are sums of rounded numbers.
  private func isNoWorse(
    _ values: UnsafeBufferPointer<Float>, _ decoded: UnsafeBufferPointer<Float>
  ) -> Bool {
    let scale = Double(absmaxScale(values))
    guard scale.isFinite else { return true }
    let inverse = 1 / scale
    var (error, bound, signal) = (0.0, 0.0, 0.0)
    for index in values.indices {
      let value = Double(values[index])
      // Numbers of this size have no fraction: adding it rounds, to even on ties.
      let nearest = (value * inverse + 0x1.8p52) - 0x1.8p52
      let place = min(Double(top), max(Double(least), nearest))
      bound += (value - place * scale) * (value - place * scale)
      error += (value - Double(decoded[index])) * (value - Double(decoded[index]))
      signal += value * value
    }
    return error <= bound * (1 + 1e-5) + signal * 1e-13
  }

  /// Whether all values are multiples, at most `top` of them, of one power of two.
  private func canBeExact(_ values: UnsafeBufferPointer<Float>, _ scales: ArraySlice<UInt8>)
    -> Bool
  {
    guard let lowest = scales.min(), let highest = scales.max(),
      Self.ordinaryScales.contains(lowest), Self.ordinaryScales.contains(highest),
      highest - lowest < 40
    else { return false }
    let unit = Double(sign: .plus, exponent: Int(lowest) - 128, significand: 1)
    var (largest, together): (UInt64, UInt64) = (0, 0)
    for value in values {
      let count = UInt64(Double(value.magnitude) / unit)
      largest = max(largest, count)
      together |= count
    }
    return together == 0 || Float(largest >> UInt64(together.trailingZeroBitCount)) <= top
  }
}

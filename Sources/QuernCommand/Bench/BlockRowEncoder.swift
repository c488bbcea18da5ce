import QuernQuantization

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// Block formats, by the kernels of this CPU.
struct BlockRowEncoder: RowEncoder {
  let format: NumberFormat

  private let signal: EncodingSignal
  private let kernels = RowKernels.best
  /// The values as searches get them: NVFP4's divided by its second scale, as a conversion does.
  private let values: [Float]
  /// What is stored beside NVFP4's blocks, a power of two; 1 for other formats.
  private let secondScale: Float

  init(signal: EncodingSignal, format: NumberFormat) {
    self.signal = signal
    self.format = format
    secondScale = format == .nvfp4 ? Self.secondScale(of: signal.values) : 1
    let inverse = 1 / secondScale
    values = secondScale == 1 ? signal.values : signal.values.map { $0 * inverse }
  }

  /// Brings the largest magnitude to 6 · 256 or just below: 256 is the largest power of two among the
  /// scales of blocks, and values from the FP4 grid need one.
  private static func secondScale(of values: [Float]) -> Float {
    let largest = values.withUnsafeBufferPointer(RowKernels.best.largestMagnitude)
    return largest > 0 ? exp2(ceil(log2(largest / (6 * 256)))) : 1
  }

  func secondScale(_ way: EncodeMeasurement.Way) -> Float {
    way == .optimal || way == .weighted ? secondScale : 1
  }

  var ways: [EncodeMeasurement.Way] {
    guard let block = kernels.block(format) else { return [] }
    return EncodeMeasurement.Way.allCases.filter { way in
      switch way {
      case .reference: block.reference != nil
      case .optimal, .weighted: block.optimal != nil
      case .gridAware: block.from_e2m1 != nil && signal.grid != nil
      }
    }
  }

  var type: EncodedType { .blocks(format) }

  var rowByteCount: Int { format.byteCount(elements: EncodingSignal.rowLength) ?? 0 }

  func encode(_ way: EncodeMeasurement.Way, row: Int, into out: UnsafeMutableRawBufferPointer) {
    if way == .gridAware { return encodeGrid(row: row, into: out) }
    (way == .reference ? signal.values : values).withUnsafeBufferPointer { values in
      let length = EncodingSignal.rowLength
      let values = UnsafeBufferPointer(rebasing: values[row * length..<(row + 1) * length])
      switch way {
      case .reference: kernels.encode(format, values, into: out)
      case .weighted:
        signal.importance.withUnsafeBufferPointer {
          kernels.encodeOptimally(format, values, weights: $0, into: out)
        }
      case .optimal, .gridAware:
        kernels.encodeOptimally(format, values, weights: nil, into: out)
      }
    }
  }

  private func encodeGrid(row: Int, into out: UnsafeMutableRawBufferPointer) {
    signal.grid?.withRow(row) {
      kernels.encode(format, $0, into: out.bindMemory(to: UInt8.self))
    }
  }

  func decode(_ bytes: UnsafeRawBufferPointer, into values: UnsafeMutableBufferPointer<Float>) {
    ReferenceDecoder.decode(format, bytes, into: values)
  }
}

import CKernels
import QuernQuantization

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// 10·log10(signal / noise).
func decibelRatio(_ signal: Double, _ noise: Double) -> Double { 10 * log10(signal / noise) }

/// Encodes one signal to one format in every way there is, on one thread.
struct EncodeBenchmark {
  let signal: EncodingSignal
  let format: NumberFormat
  let runs: Int

  /// One pass is repeated until it has taken this long, so that the clock's own cost disappears.
  private static let shortestRun = 0.005

  private let kernels = RowKernels.best
  /// The values as searches get them: NVFP4's divided by its second scale, as a conversion does.
  private let values: [Float]
  /// What is stored beside NVFP4's blocks, a power of two; 1 for other formats.
  private let secondScale: Float

  init(signal: EncodingSignal, format: NumberFormat, runs: Int) {
    self.signal = signal
    self.format = format
    self.runs = runs
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

  private func secondScale(_ way: EncodeMeasurement.Way) -> Float {
    way == .optimal || way == .weighted ? secondScale : 1
  }

  /// Every way that the format's kernels and the signal allow.
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

  /// Measures all ways in interleaved runs after one that is not counted.
  ///
  /// - Parameter keep: is given the blocks of each way.
  func run(keep: (EncodeMeasurement.Way, [UInt8]) throws -> Void) throws -> [EncodeMeasurement] {
    let byteCount = format.byteCount(elements: signal.values.count) ?? 0
    var blocks = [UInt8](repeating: 0, count: byteCount)
    var decoded = [Float](repeating: 0, count: signal.values.count)
    var repeats: [Int] = []
    var results: [EncodeMeasurement] = []
    for way in ways {
      let seconds = time(way, repeats: 1, into: &blocks)
      repeats.append(max(1, Int((Self.shortestRun / max(seconds, 1e-9)).rounded(.up))))
      try keep(way, blocks)
      blocks.withUnsafeBytes { bytes in
        decoded.withUnsafeMutableBufferPointer {
          ReferenceDecoder.decode(format, bytes, into: $0)
        }
      }
      let scale = secondScale(way)
      if scale != 1 { for index in decoded.indices { decoded[index] *= scale } }
      results.append(
        EncodeMeasurement(
          signal: signal.name, format: format, way: way, elementCount: signal.values.count,
          sourceByteCount: sourceByteCount(way), secondScale: scale,
          error: EncodingError(signal, decoded: decoded)))
    }
    for _ in 0..<runs {
      for index in results.indices {
        let seconds = time(results[index].way, repeats: repeats[index], into: &blocks)
        results[index].seconds.append(seconds)
      }
    }
    return results
  }

  private func sourceByteCount(_ way: EncodeMeasurement.Way) -> Int {
    guard way == .gridAware, let grid = signal.grid else { return 4 * signal.values.count }
    return grid.packed.count + grid.scales.count
  }

  /// Seconds for one pass over all rows.
  private func time(_ way: EncodeMeasurement.Way, repeats: Int, into blocks: inout [UInt8])
    -> Double
  {
    let duration = ContinuousClock().measure {
      for _ in 0..<repeats {
        blocks.withUnsafeMutableBytes { blocks in
          for row in 0..<signal.rowCount { encode(way, row: row, into: blocks) }
        }
      }
    }
    let parts = duration.components
    return (Double(parts.seconds) + Double(parts.attoseconds) * 1e-18) / Double(repeats)
  }

  private func encode(
    _ way: EncodeMeasurement.Way, row: Int, into blocks: UnsafeMutableRawBufferPointer
  ) {
    let rowBytes = blocks.count / signal.rowCount
    let out = UnsafeMutableRawBufferPointer(
      rebasing: blocks[row * rowBytes..<(row + 1) * rowBytes])
    if way == .gridAware {
      return encodeGrid(row: row, into: out)
    }
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
    guard let grid = signal.grid else { return }
    let (codes, scales) = (EncodingSignal.rowLength / 2, EncodingSignal.rowLength / 32)
    grid.packed.withUnsafeBufferPointer { packed in
      grid.scales.withUnsafeBufferPointer { allScales in
        kernels.encode(
          format,
          GridRow(
            packed: UnsafeBufferPointer(rebasing: packed[row * codes..<(row + 1) * codes]),
            scales: UnsafeBufferPointer(rebasing: allScales[row * scales..<(row + 1) * scales])),
          into: out.bindMemory(to: UInt8.self))
      }
    }
  }
}

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// 10·log10(signal / noise).
func decibelRatio(_ signal: Double, _ noise: Double) -> Double { 10 * log10(signal / noise) }

/// Encodes one signal to one type in every way there is, on one thread.
struct EncodeBenchmark {
  let signal: EncodingSignal
  let type: EncodedType
  let runs: Int

  /// One pass is repeated until it has taken this long, so that the clock's own cost disappears.
  private static let shortestRun = 0.005

  private let encoder: any RowEncoder

  init(signal: EncodingSignal, type: EncodedType, runs: Int) {
    self.signal = signal
    self.type = type
    self.runs = runs
    switch type {
    case .blocks(let format): encoder = BlockRowEncoder(signal: signal, format: format)
    case .integers(let rows): encoder = IntegerRowEncoder(signal: signal, rows: rows)
    }
  }

  /// Measures all ways in interleaved runs after one that is not counted.
  ///
  /// - Parameter keep: is given the blocks of each way.
  func run(keep: (EncodeMeasurement.Way, [UInt8]) throws -> Void) throws -> [EncodeMeasurement] {
    var blocks = [UInt8](repeating: 0, count: signal.rowCount * encoder.rowByteCount)
    var decoded = [Float](repeating: 0, count: signal.values.count)
    var repeats: [Int] = []
    var results: [EncodeMeasurement] = []
    for way in encoder.ways {
      let seconds = time(way, repeats: 1, into: &blocks)
      repeats.append(max(1, Int((Self.shortestRun / max(seconds, 1e-9)).rounded(.up))))
      try keep(way, blocks)
      blocks.withUnsafeBytes { bytes in
        decoded.withUnsafeMutableBufferPointer { encoder.decode(bytes, into: $0) }
      }
      let scale = encoder.secondScale(way)
      if scale != 1 { for index in decoded.indices { decoded[index] *= scale } }
      results.append(
        EncodeMeasurement(
          signal: signal.name, type: type, way: way, elementCount: signal.values.count,
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
          for row in 0..<signal.rowCount {
            let rowBytes = row * encoder.rowByteCount..<(row + 1) * encoder.rowByteCount
            encoder.encode(way, row: row, into: .init(rebasing: blocks[rowBytes]))
          }
        }
      }
    }
    let parts = duration.components
    return (Double(parts.seconds) + Double(parts.attoseconds) * 1e-18) / Double(repeats)
  }
}

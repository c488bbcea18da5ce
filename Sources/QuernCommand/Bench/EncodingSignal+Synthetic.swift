import QuernTensors

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// e^x; a name of its own, because the module of the C library differs by system.
func exponential(_ value: Double) -> Double { exp(value) }

extension EncodingSignal {
  /// The synthetic signals by name, in the order of the report.
  ///
  /// Every row has a standard deviation of its own, and they spread evenly over the octave from 2^-6
  /// to 2^-5 (in their logarithm): so the largest magnitude of a block is anywhere between two powers
  /// of two, and scales that are powers of two are met at every phase.
  static let synthetic: [(name: String, make: @Sendable (_ rows: Int) -> EncodingSignal)] = [
    ("gauss", { .init(name: "gauss", values: rows($0, seed: 1) { $0.normal() }) }),
    ("laplace", { .init(name: "laplace", values: rows($0, seed: 2) { $0.laplace() }) }),
    ("student5", { .init(name: "student5", values: rows($0, seed: 3) { $0.student5() }) }),
    ("outliers", { .init(name: "outliers", values: withOutlierChannels(rows: $0)) }),
    ("fp8", { .init(name: "fp8", values: onFP8Grid(rows: $0)) }),
    ("mxfp4-ceil", { onFP4Grid("mxfp4-ceil", rows: $0) { ceil(log2($0 / 6)) } }),
    ("mxfp4-floor", { onFP4Grid("mxfp4-floor", rows: $0) { floor(log2($0)) - 2 } }),
  ]

  private static func rows(
    _ count: Int, seed: UInt64, _ draw: (inout RandomNumbers) -> Double
  ) -> [Float] {
    var random = RandomNumbers(seed: seed)
    var values: [Float] = []
    values.reserveCapacity(count * rowLength)
    for row in 0..<count {
      let deviation = exp2((Double(row) + 0.5) / Double(count) - 6)
      for _ in 0..<rowLength { values.append(Float(deviation * draw(&random))) }
    }
    return values
  }

  /// Gaussian rows in which one column of 128 is ten times as large.
  private static func withOutlierChannels(rows count: Int) -> [Float] {
    var values = rows(count, seed: 4) { $0.normal() }
    var random = RandomNumbers(seed: 5)
    let columns = stride(from: 0, to: rowLength, by: 128).map { $0 + Int(random.word() % 128) }
    for row in 0..<count {
      for column in columns { values[row * rowLength + column] *= 10 }
    }
    return values
  }

  /// Gaussian rows rounded to E4M3 with a power-of-two scale for every 128 × 128, the smallest that
  /// keeps the largest magnitude at 448 or below.
  private static func onFP8Grid(rows count: Int) -> [Float] {
    var values = rows(count, seed: 6) { $0.normal() }
    let grid = Magnitudes(FP8Table.e4m3)
    for firstRow in stride(from: 0, to: count, by: 128) {
      for firstColumn in stride(from: 0, to: rowLength, by: 128) {
        let indices = (firstRow..<min(firstRow + 128, count)).flatMap { row in
          (firstColumn..<firstColumn + 128).map { row * rowLength + $0 }
        }
        let largest = indices.reduce(0) { max($0, values[$1].magnitude) }
        let scale = exp2(ceil(log2(largest / 448)))
        for index in indices {
          let rounded = grid.nearest(to: values[index].magnitude / scale).value * scale
          values[index] = values[index] < 0 ? -rounded : rounded
        }
      }
    }
    return values
  }

  /// Gaussian rows rounded to FP4 with a scale of 2^exponent(largest magnitude) for every 32.
  private static func onFP4Grid(
    _ name: String, rows count: Int, exponent: (Float) -> Float
  ) -> EncodingSignal {
    var values = rows(count, seed: 7) { $0.normal() }
    let magnitudes = Magnitudes(E2M1.table)
    var grid = Grid()
    for start in stride(from: 0, to: values.count, by: E2M1.scaleBlock) {
      let block = start..<start + E2M1.scaleBlock
      let power = exponent(block.reduce(0) { max($0, values[$1].magnitude) })
      grid.scales.append(UInt8(power + 127))
      var codes: [UInt8] = []
      for index in block {
        let (code, value) = magnitudes.nearest(to: values[index].magnitude / exp2(power))
        let isNegative = values[index] < 0 && code != 0
        codes.append(isNegative ? code | 8 : code)
        values[index] = (isNegative ? -value : value) * exp2(power)
      }
      for pair in 0..<codes.count / 2 {
        grid.packed.append(codes[2 * pair] | codes[2 * pair + 1] << 4)
      }
    }
    return EncodingSignal(name: name, values: values, grid: grid)
  }
}

/// The finite magnitudes of a small float format, by code: codes without the sign bit ascend.
private struct Magnitudes {
  private let values: [Float]

  init(_ table: [Float]) { values = table.prefix(table.count / 2).filter(\.isFinite) }

  /// Nearest, ties to the even code; what is above the largest becomes the largest.
  func nearest(to magnitude: Float) -> (code: UInt8, value: Float) {
    var (low, high) = (0, values.count - 1)
    while high - low > 1 {
      let middle = (low + high) / 2
      if values[middle] <= magnitude { low = middle } else { high = middle }
    }
    let (below, above) = (magnitude - values[low], values[high] - magnitude)
    let code = below < above || (below == above && low % 2 == 0) ? low : high
    return (UInt8(code), values[code])
  }
}

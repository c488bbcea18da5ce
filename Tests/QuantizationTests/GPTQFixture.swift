import QuernQuantization
import QuernTestSupport

/// Rows and a Hessian to round them with, and the error that counts.
struct GPTQFixture {
  let width: Int
  let rowCount: Int
  var rows: [Float]
  /// width × width.
  var hessian: [Float]

  /// Random rows; inputs that are mixtures of `sources` random numbers, more of the first than of the
  /// last.
  init(width: Int, rowCount: Int, sources: Int, seed: UInt64) {
    var random = SeededGenerator(seed: seed)
    func normal() -> Double {
      (0..<12).reduce(-6) { sum, _ in sum + Double.random(in: 0..<1, using: &random) }
    }
    self.width = width
    self.rowCount = rowCount
    rows = (0..<rowCount * width).map { _ in Float(0.02 * normal()) }
    let mixing = (0..<width).map { _ in
      (0..<sources).map { normal() / Double($0 + 1).squareRoot() }
    }
    hessian = (0..<width * width).map { index in
      let (left, right) = (mixing[index / width], mixing[index % width])
      return Float(zip(left, right).reduce(0) { $0 + $1.0 * $1.1 })
    }
  }

  func factor(_ order: GPTQFactor.Order = .byColumn) -> GPTQFactor? {
    hessian.withUnsafeBufferPointer { GPTQFactor($0, columnCount: width, order: order) }
  }

  /// The encoded rows.
  func encode(
    _ format: NumberFormat, _ factor: GPTQFactor?, rows range: Range<Int>? = nil,
    sweeps: Int = RowKernels.gptqSweepCount, kernels: RowKernels = .best
  ) -> [UInt8] {
    let range = range ?? 0..<rowCount
    let values = Array(rows[range.lowerBound * width..<range.upperBound * width])
    var bytes = [UInt8](repeating: 0, count: format.byteCount(elements: values.count) ?? 0)
    values.withUnsafeBufferPointer { values in
      bytes.withUnsafeMutableBytes { bytes in
        kernels.encodeWithFeedback(
          format, values, factors: [factor], widths: [width], sweeps: sweeps,
          in: GPTQWorkspace(), into: bytes)
      }
    }
    return bytes
  }

  func encodeOptimally(_ format: NumberFormat, weights: [Float]? = nil) -> [UInt8] {
    var bytes = [UInt8](repeating: 0, count: format.byteCount(elements: rows.count) ?? 0)
    let repeated = weights.map { weights in (0..<rowCount).flatMap { _ in weights } }
    rows.withUnsafeBufferPointer { values in
      bytes.withUnsafeMutableBytes { bytes in
        if let repeated {
          repeated.withUnsafeBufferPointer {
            RowKernels.best.encodeOptimally(format, values, weights: $0, into: bytes)
          }
        } else {
          RowKernels.best.encodeOptimally(format, values, weights: nil, into: bytes)
        }
      }
    }
    return bytes
  }

  /// Σ (w − v)·H·(w − v) over the rows.
  func error(_ format: NumberFormat, _ bytes: [UInt8]) -> Double {
    error(of: ReferenceDecoder.decode(format, bytes) ?? [])
  }

  func error(of values: [Float]) -> Double {
    var sum = 0.0
    for row in 0..<rowCount {
      let errors = (0..<width).map { Double(rows[row * width + $0] - values[row * width + $0]) }
      for i in 0..<width where errors[i] != 0 {
        let products = (0..<width).reduce(0) { $0 + Double(hessian[i * width + $1]) * errors[$1] }
        sum += errors[i] * products
      }
    }
    return sum
  }
}

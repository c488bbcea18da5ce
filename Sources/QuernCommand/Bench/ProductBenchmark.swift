import QuernKernels

/// Products of one slice of decoded weights at the width of DeepSeek-V4-Flash, on one thread, beside
/// multiply-adds that wait for nothing but their own chain.
struct ProductBenchmark {
  let rows: Int

  private static let inner = 4096
  /// Half a second of either side at a few tens of GFMA/s.
  private static let multiplyAddCount = 15_000_000_000

  struct Measurement {
    let rows: Int
    /// Multiply-adds per second of the products and at the peak; medians of interleaved runs.
    let productRate: Double
    let peakRate: Double
  }

  func measure(runs: Int) -> Measurement {
    let products = FloatProducts()
    let outputs = 128
    let x = [Float](repeating: 0.5, count: rows * Self.inner)
    let w = [Float](repeating: 0.25, count: outputs * Self.inner)
    var out = [Float](repeating: 0, count: rows * outputs)
    let once = rows * outputs * Self.inner
    let repeats = max(1, Self.multiplyAddCount / 10 / once)
    let clock = ContinuousClock()
    var (rates, peaks) = ([Double](), [Double]())
    for _ in 0..<max(3, runs) {
      let time = clock.measure {
        for _ in 0..<repeats {
          x.withUnsafeBufferPointer { x in
            w.withUnsafeBufferPointer { w in
              out.withUnsafeMutableBufferPointer { out in
                guard let x = x.baseAddress, let w = w.baseAddress, let out = out.baseAddress else {
                  return
                }
                products.multiply(
                  x: x, rows: rows, w: w, outputs: outputs, inner: Self.inner, out: out)
              }
            }
          }
        }
      }
      rates.append(Double(once * repeats) / (time / .seconds(1)))
      var count = 0
      let peak = clock.measure { count = products.runMultiplyAdds(rounds: 1 << 22) }
      peaks.append(Double(count) / (peak / .seconds(1)))
    }
    return Measurement(
      rows: rows, productRate: rates.sorted()[rates.count / 2],
      peakRate: peaks.sorted()[peaks.count / 2])
  }
}

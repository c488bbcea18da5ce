#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

package enum Softmax {
  /// In place: e^(x - max) / Σ. -∞ becomes 0.
  ///
  /// - Parameter sink: a logit that takes part in the sum and has no output.
  package static func apply(_ values: UnsafeMutableBufferPointer<Float>, sink: Float? = nil) {
    let top = values.reduce(sink ?? -.infinity) { max($0, $1) }
    guard top > -.infinity else { return }
    var sum = sink.map { Double(expf($0 - top)) } ?? 0
    for index in values.indices {
      values[index] = expf(values[index] - top)
      sum += Double(values[index])
    }
    let factor = Float(1 / sum)
    for index in values.indices { values[index] *= factor }
  }
}

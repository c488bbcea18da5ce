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

package enum TopK {
  /// Indices of the `count` largest values, largest first; of equal ones the lowest index first.
  package static func indices(_ values: UnsafeBufferPointer<Float>, count: Int) -> [Int] {
    // The heap's order decides nothing: equal values are told apart by their index.
    let order = values.indices.sorted {
      values[$0] != values[$1] ? values[$0] > values[$1] : $0 < $1
    }
    return Array(order.prefix(count))
  }
}

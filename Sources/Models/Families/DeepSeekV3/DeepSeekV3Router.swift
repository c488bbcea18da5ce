#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// Which experts a token goes to: s = σ(gate · x), b = s + bias. Experts are chosen from the groups whose
/// score, the sum of their two largest b, is largest; those with the largest b are. An expert counts s,
/// without the bias, divided by Σ s of the chosen + 1e-20 where weights are normalized, times a factor.
/// Of equal ones the lowest comes first.
///
/// V2 has s = softmax(gate · x), no bias, and groups scored by their largest s.
struct DeepSeekV3Router: Sendable {
  private let prefix: String
  private let numbers: DeepSeekV3Numbers

  init(prefix: String, _ numbers: DeepSeekV3Numbers) {
    (self.prefix, self.numbers) = (prefix, numbers)
  }

  /// - Parameter x: [rows, hidden].
  func route(_ x: Activations, _ products: Products) throws(ModelError) -> ExpertRouting {
    let scores = try products.multiply(x, prefix + "ffn_gate_inp.weight")
    let bias = try products.weights.optionalValues(
      prefix + "exp_probs_b.bias", shape: [scores.width])
    let biased = Activations(rows: 1, width: scores.width)
    var experts: [Int32] = []
    var weights: [Float] = []
    for row in 0..<scores.rowCount {
      let values = scores.row(row)
      gate(values)
      for index in values.indices { biased.values[index] = values[index] + (bias?[index] ?? 0) }
      dropGroups(biased.values, scoredBy: bias == nil ? 1 : 2)
      let chosen = TopK.indices(
        UnsafeBufferPointer(biased.values), count: numbers.usedExperts)
      let sum =
        numbers.normalizesExperts ? chosen.reduce(Float(0)) { $0 + values[$1] } + 1e-20 : 1
      experts += chosen.map(Int32.init)
      weights += chosen.map { values[$0] / sum * numbers.expertScale }
    }
    return ExpertRouting(usedCount: numbers.usedExperts, experts: experts, weights: weights)
  }

  private func gate(_ values: UnsafeMutableBufferPointer<Float>) {
    switch numbers.gate {
    case .softmax: Softmax.apply(values)
    case .sigmoid: for index in values.indices { values[index] = 1 / (1 + expf(-values[index])) }
    }
  }

  /// Puts the experts of groups that are not used behind all others.
  ///
  /// - Parameter count: how many of its largest values a group's score is the sum of.
  private func dropGroups(_ values: UnsafeMutableBufferPointer<Float>, scoredBy count: Int) {
    guard numbers.usedGroups < numbers.groups else { return }
    let size = values.count / numbers.groups
    let groupScores = (0..<numbers.groups).map { group in
      values[group * size..<(group + 1) * size].sorted(by: >).prefix(count).reduce(0, +)
    }
    let used = groupScores.withUnsafeBufferPointer { TopK.indices($0, count: numbers.usedGroups) }
    for group in 0..<numbers.groups where !used.contains(group) {
      for index in group * size..<(group + 1) * size { values[index] = -.infinity }
    }
  }
}

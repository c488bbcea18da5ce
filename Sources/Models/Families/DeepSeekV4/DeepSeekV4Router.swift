import QuernContainers

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// Which experts a token goes to: s = √softplus(gate · x). The first layers look the token's id up in a
/// table; the others take the largest of s + bias, of equal ones the lowest first. An expert counts
/// s / (Σ s of the chosen + 1e-20) · scale, without the bias. (transformers and DeepSeek's code divide
/// whatever `norm_topk_prob` says.)
struct DeepSeekV4Router: Sendable {
  private let prefix: String
  private let numbers: DeepSeekV4Numbers
  private let isHashed: Bool

  init(layer: Int, _ numbers: DeepSeekV4Numbers) {
    prefix = "blk.\(layer)."
    self.numbers = numbers
    // A draft stage stands behind all layers and routes by score.
    isHashed = layer < min(numbers.hashLayers, numbers.layers)
  }

  func route(_ x: Activations, _ batch: TokenBatch, _ products: Products) throws(ModelError)
    -> ExpertRouting
  {
    let scores = try products.multiply(x, prefix + "ffn_gate_inp.weight")
    for index in scores.values.indices {
      let value = scores.values[index]
      // As PyTorch: beyond 20 softplus is its argument.
      scores.values[index] = (value > 20 ? value : log1pf(expf(value))).squareRoot()
    }
    let experts =
      try isHashed
      ? lookUp(batch, expertCount: scores.width, products) : choose(scores, products)
    var weights: [Float] = []
    weights.reserveCapacity(experts.count)
    for row in 0..<scores.rowCount {
      let chosen = experts[row * numbers.usedExperts..<(row + 1) * numbers.usedExperts]
      let values = scores.row(row)
      let sum = chosen.reduce(Float(1e-20)) { $0 + values[Int($1)] }
      weights += chosen.map { values[Int($0)] / sum * numbers.expertScale }
    }
    return ExpertRouting(usedCount: numbers.usedExperts, experts: experts, weights: weights)
  }

  private func choose(_ scores: Activations, _ products: Products) throws(ModelError) -> [Int32] {
    let bias = try products.weights.values(prefix + "exp_probs_b.bias", shape: [scores.width])
    let biased = Activations(rows: 1, width: scores.width)
    defer { withExtendedLifetime(biased) {} }
    var experts: [Int32] = []
    for row in 0..<scores.rowCount {
      let values = scores.row(row)
      for index in bias.indices { biased.values[index] = values[index] + bias[index] }
      let best = TopK.indices(UnsafeBufferPointer(biased.values), count: numbers.usedExperts)
      experts += best.map(Int32.init)
    }
    return experts
  }

  private func lookUp(_ batch: TokenBatch, expertCount: Int, _ products: Products)
    throws(ModelError) -> [Int32]
  {
    let name = prefix + "ffn_gate_tid2eid.weight"
    let weight = try products.weights.weight(
      name, shape: [numbers.vocabulary, numbers.usedExperts])
    let entries = try products.integers(weight, rows: batch.tokens.map(Int.init))
    if let place = entries.firstIndex(where: { $0 < 0 || $0 >= expertCount }) {
      throw .data(
        InputProblem(
          file: weight.checkpoint.folder, tensor: name,
          field: "row \(batch.tokens[place / numbers.usedExperts])", found: "\(entries[place])",
          expected: "an expert below \(expertCount)"))
    }
    return entries.map { Int32(truncatingIfNeeded: $0) }
  }
}

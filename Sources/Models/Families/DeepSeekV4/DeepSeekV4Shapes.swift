/// The shapes that the forward pass relies on, compared with the weights before anything is allocated.
extension DeepSeekV4Numbers {
  /// - Throws: `ModelError.data` for a weight that is missing or has another shape.
  func check(_ weights: ModelWeights) throws(ModelError) {
    _ = try weights.weight("token_embd.weight", shape: [vocabulary, hidden])
    _ = try weights.weight("output.weight", shape: [vocabulary, hidden])
    _ = try weights.weight("output_norm.weight", shape: [hidden])
    try checkHead(weights)
    for layer in 0..<layers { try check(layer: layer, weights) }
  }

  func checkHead(_ weights: ModelWeights) throws(ModelError) {
    _ = try weights.weight("output_hc_fn.weight", shape: [streams, streams * hidden])
    _ = try weights.weight("output_hc_base.weight", shape: [streams])
    _ = try weights.weight("output_hc_scale.weight", shape: [1])
  }

  func check(layer: Int, _ weights: ModelWeights) throws(ModelError) {
    let prefix = "blk.\(layer)."
    func check(_ name: String, _ shape: [Int]) throws(ModelError) {
      _ = try weights.weight(prefix + name, shape: shape)
    }
    let mixes = (streams + 2) * streams
    for site in ["attn", "ffn"] {
      try check("\(site)_norm.weight", [hidden])
      try check("hc_\(site)_fn.weight", [mixes, streams * hidden])
      try check("hc_\(site)_base.weight", [mixes])
      try check("hc_\(site)_scale.weight", [3])
    }
    try check("attn_sinks.weight", [heads])
    try check("attn_q_a.weight", [queryRank, hidden])
    try check("attn_q_b.weight", [heads * headWidth, queryRank])
    try check("attn_kv.weight", [headWidth, hidden])
    try check("attn_output_a.weight", [groups * outputRank, heads / groups * headWidth])
    try check("attn_output_b.weight", [hidden, groups * outputRank])
    let ratio = ratio(layer)
    if ratio > 0 {
      try checkCompressor(prefix + "attn_compressor_", ratio, width: headWidth, weights)
    }
    if ratio == Compressor.overlappingRatio {
      try checkCompressor(prefix + "indexer_compressor_", ratio, width: indexWidth, weights)
      try check("indexer.attn_q_b.weight", [indexHeads * indexWidth, queryRank])
      try check("indexer.proj.weight", [indexHeads, hidden])
    }
    try checkExperts(prefix, weights)
  }

  private func checkCompressor(
    _ prefix: String, _ ratio: Int, width: Int, _ weights: ModelWeights
  ) throws(ModelError) {
    let columns = Compressor.columns(ratio: ratio, width: width)
    _ = try weights.weight(prefix + "ape.weight", shape: [ratio, columns])
    _ = try weights.weight(prefix + "kv.weight", shape: [columns, hidden])
    _ = try weights.weight(prefix + "gate.weight", shape: [columns, hidden])
    _ = try weights.weight(prefix + "norm.weight", shape: [width])
  }

  private func checkExperts(_ prefix: String, _ weights: ModelWeights) throws(ModelError) {
    let router = try weights.weight(prefix + "ffn_gate_inp.weight")
    let experts = router.rowsPerPart
    guard usedExperts <= experts else {
      throw weights.numbers.problem(
        "expert_used_count", found: "\(usedExperts)", expected: "1 to \(experts)")
    }
    try SwiGLU.check(prefix: prefix, suffix: "_exps", inputs: hidden, parts: [experts], weights)
    if weights.has(prefix + "ffn_gate_shexp.weight") {
      try SwiGLU.check(prefix: prefix, suffix: "_shexp", inputs: hidden, weights)
    }
  }
}

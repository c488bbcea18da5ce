/// The shapes that the forward pass relies on, compared with the weights before anything is allocated.
extension DeepSeekV3Numbers {
  /// - Throws: `ModelError.data` for a weight that is missing or has another shape.
  func check(_ weights: ModelWeights) throws(ModelError) {
    _ = try weights.weight("token_embd.weight", shape: [vocabulary, hidden])
    _ = try weights.weight("output_norm.weight", shape: [hidden])
    if weights.has("output.weight") {
      _ = try weights.weight("output.weight", shape: [vocabulary, hidden])
    }
    for layer in 0..<layers { try check(prefix: "blk.\(layer).", weights) }
  }

  private func check(prefix: String, _ weights: ModelWeights) throws(ModelError) {
    func check(_ name: String, _ shape: [Int]) throws(ModelError) {
      _ = try weights.weight(prefix + name, shape: shape)
    }
    try check("attn_norm.weight", [hidden])
    try check("ffn_norm.weight", [hidden])
    if queryRank > 0 {
      try check("attn_q_a.weight", [queryRank, hidden])
      try check("attn_q_a_norm.weight", [queryRank])
      try check("attn_q_b.weight", [heads * keyWidth, queryRank])
    } else {
      try check("attn_q.weight", [heads * keyWidth, hidden])
    }
    try check("attn_kv_a_mqa.weight", [latentWidth + ropeWidth, hidden])
    try check("attn_kv_a_norm.weight", [latentWidth])
    try check("attn_k_b.weight", [heads, latentWidth, nopeWidth])
    try check("attn_v_b.weight", [heads, valueWidth, latentWidth])
    try check("attn_output.weight", [hidden, heads * valueWidth])
    guard weights.has(prefix + "ffn_gate_inp.weight") else {
      return try SwiGLU.check(prefix: prefix, inputs: hidden, weights)
    }
    let experts = try weights.weight(prefix + "ffn_gate_inp.weight").rowsPerPart
    try check("ffn_gate_inp.weight", [experts, hidden])
    try checkRouting(experts, weights.numbers)
    try SwiGLU.check(prefix: prefix, suffix: "_exps", inputs: hidden, parts: [experts], weights)
    if weights.has(prefix + "ffn_gate_shexp.weight") {
      try SwiGLU.check(prefix: prefix, suffix: "_shexp", inputs: hidden, weights)
    }
  }

  private func checkRouting(_ experts: Int, _ numbers: ModelNumbers) throws(ModelError) {
    guard experts % groups == 0, usedGroups <= groups else {
      throw numbers.problem(
        "expert_group_count", found: "\(groups), of which \(usedGroups) are used",
        expected: "a divisor of \(experts) experts, and no fewer than are used")
    }
    let eligible = experts / groups * usedGroups
    guard usedExperts > 0, usedExperts <= eligible else {
      throw numbers.problem(
        "expert_used_count", found: "\(usedExperts)", expected: "1 to \(eligible)")
    }
  }
}

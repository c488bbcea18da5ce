/// The shapes that the forward pass relies on, compared with the weights before anything is allocated.
extension TransformerModel {
  /// - Throws: `ModelError.data` for a weight that is missing or has another shape.
  func check(_ weights: ModelWeights) throws(ModelError) {
    _ = try weights.weight("token_embd.weight", shape: [vocabulary, hiddenWidth])
    _ = try weights.weight(outputName, shape: [vocabulary, hiddenWidth])
    _ = try weights.weight("output_norm.weight", shape: [hiddenWidth])
    for layer in 0..<layerCount { try check(prefix: "blk.\(layer).", weights) }
  }

  private func check(prefix: String, _ weights: ModelWeights) throws(ModelError) {
    func check(_ name: String, _ shape: [Int]) throws(ModelError) {
      _ = try weights.weight(prefix + name, shape: shape)
    }
    try check("attn_norm.weight", [hiddenWidth])
    try check("attn_q.weight", [attention.heads * attention.keyWidth, hiddenWidth])
    try check("attn_k.weight", [attention.keyHeads * attention.keyWidth, hiddenWidth])
    try check("attn_v.weight", [attention.keyHeads * attention.valueWidth, hiddenWidth])
    try check("attn_output.weight", [hiddenWidth, attention.heads * attention.valueWidth])
    try check("ffn_norm.weight", [hiddenWidth])
    guard weights.has(prefix + "ffn_gate_inp.weight") else {
      return try SwiGLU.check(prefix: prefix, inputs: hiddenWidth, weights)
    }
    let experts = try weights.weight(prefix + "ffn_gate_inp.weight").rowsPerPart
    try check("ffn_gate_inp.weight", [experts, hiddenWidth])
    guard usedExperts > 0, usedExperts <= experts else {
      throw weights.numbers.problem(
        "expert_used_count", found: "\(usedExperts)", expected: "1 to \(experts)")
    }
    try SwiGLU.check(
      prefix: prefix, suffix: "_exps", inputs: hiddenWidth, parts: [experts], weights)
    if weights.has(prefix + "ffn_gate_shexp.weight") {
      try SwiGLU.check(prefix: prefix, suffix: "_shexp", inputs: hiddenWidth, weights)
      try checkSharedGate(prefix + "ffn_gate_inp_shexp.weight", weights)
    }
  }

  /// One row: a vector in llama.cpp's files, a matrix in transformers'.
  private func checkSharedGate(_ name: String, _ weights: ModelWeights) throws(ModelError) {
    let shape = try weights.weight(name).tensor.shape
    _ = try weights.weight(name, shape: shape.count == 1 ? [hiddenWidth] : [1, hiddenWidth])
  }
}

import QuernCheckpoints

/// The numbers of DeepSeek-V3, and of V2.
struct DeepSeekV3Numbers: Sendable {
  /// How a router's outputs become scores.
  enum Gate: Int, Sendable {
    case softmax = 1
    case sigmoid = 2
  }

  let layers: Int
  let hidden: Int
  let vocabulary: Int
  let context: Int
  let epsilon: Float

  let heads: Int
  /// Channels of the latent vector that keys and values come from.
  let latentWidth: Int
  /// Channels of a head's queries that are not rotated, those that are, and of its values.
  let nopeWidth: Int
  let ropeWidth: Int
  let valueWidth: Int
  /// 0 where queries come from the stream itself.
  let queryRank: Int
  let rotary: Rotary
  /// (nope + rope)^-½ · m²; with YaRN m = 0.1 · mscale_all_dim · ln(factor) + 1, else 1.
  let scale: Float

  let usedExperts: Int
  /// Experts are chosen from so many of the groups.
  let groups: Int
  let usedGroups: Int
  let gate: Gate
  let normalizesExperts: Bool
  let expertScale: Float

  /// Channels of a query head.
  var keyWidth: Int { nopeWidth + ropeWidth }

  init(_ weights: ModelWeights) throws(ModelError) {
    let numbers = weights.numbers
    let drafts = try numbers.integer("nextn_predict_layers", minimum: 0, default: 0)
    layers = max(0, try numbers.integer("block_count") - drafts)
    hidden = try numbers.integer("embedding_length")
    vocabulary = try weights.weight("token_embd.weight").rowsPerPart
    context = try numbers.integer("context_length")
    epsilon = try numbers.real("attention.layer_norm_rms_epsilon", default: 1e-6)
    heads = try numbers.integer("attention.head_count")
    latentWidth = try numbers.integer("attention.kv_lora_rank")
    ropeWidth = try numbers.integer("rope.dimension_count")
    let keyWidth = try numbers.integer("attention.key_length_mla")
    guard ropeWidth % 2 == 0, ropeWidth < keyWidth else {
      throw numbers.problem(
        "rope.dimension_count", found: "\(ropeWidth)",
        expected: "an even number below \(keyWidth), the channels of a head")
    }
    nopeWidth = keyWidth - ropeWidth
    valueWidth = try numbers.integer("attention.value_length_mla")
    // Small V2 models have the key, and no such weights.
    queryRank =
      try weights.has("blk.0.attn_q_a.weight") ? numbers.integer("attention.q_lora_rank") : 0
    let isHalved = weights.model.parameters?.bindings.integers["rope_pairs"] == 0
    rotary = try Rotary(isHalved ? .halves : .adjacent, width: ropeWidth, of: weights)
    scale = try Self.scale(numbers, keyWidth: keyWidth)
    usedExperts = try numbers.integer("expert_used_count", minimum: 0, default: 0)
    groups = try numbers.integer("expert_group_count", default: 1)
    usedGroups = try numbers.integer("expert_group_used_count", default: groups)
    gate = try Self.gate(numbers)
    normalizesExperts = numbers.flag("expert_weights_norm", default: false)
    expertScale = try numbers.real("expert_weights_scale", default: 1)
  }

  /// `rope.scaling.yarn_log_multiplier` is 0.1 · mscale_all_dim.
  private static func scale(_ numbers: ModelNumbers, keyWidth: Int) throws(ModelError) -> Float {
    let plain = 1 / Double(keyWidth).squareRoot()
    guard numbers.text("rope.scaling.type") == "yarn" else { return Float(plain) }
    let multiplier = Double(try numbers.real("rope.scaling.yarn_log_multiplier", default: 0))
    let factor = Double(try numbers.real("rope.scaling.factor"))
    let m = RopeScaling.magnitude(factor, 10 * multiplier)
    return Float(plain * m * m)
  }

  private static func gate(_ numbers: ModelNumbers) throws(ModelError) -> Gate {
    // Files made before the key are of V2.
    let found = try numbers.integer("expert_gating_func", default: Gate.softmax.rawValue)
    guard let gate = Gate(rawValue: found) else {
      throw numbers.problem(
        "expert_gating_func", found: "\(found)", expected: "1, softmax, or 2, sigmoid")
    }
    return gate
  }
}

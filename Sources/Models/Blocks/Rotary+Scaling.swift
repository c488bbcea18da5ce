import QuernCheckpoints

extension Rotary {
  /// Positions as a model's `rope.*` keys describe them: plain, linear (frequencies divided), YaRN, or
  /// divided one by one by `rope_freqs.weight`.
  ///
  /// - Parameter width: channels of a head that are rotated.
  /// - Throws: `ModelError.data` for another kind of scaling, and for numbers that are missing or lie
  ///   outside the formulas.
  package init(_ pairs: Pairs, width: Int, of weights: ModelWeights) throws(ModelError) {
    let numbers = weights.numbers
    try Self.check(width: width, numbers)
    let theta = Double(try numbers.real("rope.freq_base", default: 10000))
    guard theta > 1 else {
      throw numbers.problem("rope.freq_base", found: "\(theta)", expected: "a number above 1")
    }
    var frequencies = Rotary.frequencies(width: width, theta: theta)
    var magnitude: Float = 1
    switch numbers.text("rope.scaling.type") ?? "none" {
    case "none": break
    case "linear":
      let factor = try Self.factor(numbers)
      frequencies = frequencies.map { $0 / factor }
    case "yarn":
      frequencies = try Self.yarn(width: width, theta: theta, numbers)
      magnitude = try Self.magnitude(numbers)
    case let type:
      throw numbers.problem("rope.scaling.type", found: type, expected: "none, linear or yarn")
    }
    if let divisors = try weights.optionalValues("rope_freqs.weight", shape: [width / 2]) {
      frequencies = zip(frequencies, divisors).map { $0 / Double($1) }
    }
    self.init(pairs, frequencies: frequencies, magnitude: magnitude)
  }

  /// The limit is far above any model's; a broken file must not ask for a table of any size.
  ///
  /// - Throws: `ModelError.data` for a number of channels that cannot be turned in pairs.
  static func check(width: Int, _ numbers: ModelNumbers) throws(ModelError) {
    guard (2...1 << 16).contains(width), width % 2 == 0 else {
      throw numbers.problem(
        "rope.dimension_count", found: "\(width)", expected: "an even number from 2 to \(1 << 16)")
    }
  }

  private static func factor(_ numbers: ModelNumbers) throws(ModelError) -> Double {
    let factor = try numbers.real("rope.scaling.factor")
    guard factor > 0 else {
      throw numbers.problem("rope.scaling.factor", found: "\(factor)", expected: "a number above 0")
    }
    return Double(factor)
  }

  private static func yarn(width: Int, theta: Double, _ numbers: ModelNumbers)
    throws(ModelError) -> [Double]
  {
    let context = try numbers.integer("context_length")
    let original = try numbers.integer("rope.scaling.original_context_length", default: context)
    let fast = try numbers.real("rope.scaling.yarn_beta_fast", default: 32)
    let slow = try numbers.real("rope.scaling.yarn_beta_slow", default: 1)
    guard slow > 0, fast >= slow else {
      throw numbers.problem(
        "rope.scaling.yarn_beta_fast", found: "\(fast), yarn_beta_slow \(slow)",
        expected: "0 < yarn_beta_slow ≤ yarn_beta_fast")
    }
    return yarn(
      width: width, theta: theta, factor: try factor(numbers), originalLength: Double(original),
      betaFast: Double(fast), betaSlow: Double(slow))
  }

  /// What the config says; of a GGUF file its factor, or 1 where it has a multiplier of the logarithm:
  /// the family's scores are scaled instead, and the file cannot say that both differ.
  private static func magnitude(_ numbers: ModelNumbers) throws(ModelError) -> Float {
    if let stated = numbers.model.parameters?.ropeScaling.yarnMagnitude { return Float(stated) }
    let logarithm = try numbers.real("rope.scaling.yarn_log_multiplier", default: 0)
    let implied = try logarithm != 0 ? 1 : RopeScaling.magnitude(factor(numbers), 1)
    return try numbers.real("rope.scaling.yarn_attn_factor", default: Float(implied))
  }
}

import QuernContainers

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// How the config stretches rotary positions, from `rope_parameters` or `rope_scaling`.
package struct RopeScaling: Equatable, Sendable {
  package enum Kind: String, Sendable { case none, dynamic, linear, yarn, llama3 }

  package let kind: Kind
  /// The numbers that stand beside the type, by their keys.
  private let numbers: [String: Double]

  /// - Throws: `InputProblem` for a type that the architecture's runtime would not apply: dropping it
  ///   in silence would give a model that works until its context grows.
  package init(config: JSONObject, allowed: [String], file: String) throws(InputProblem) {
    let (field, object) = Self.source(in: config)
    guard let object else {
      self.init(kind: .none, numbers: [:])
      return
    }
    let type = (object["rope_type"] ?? object["type"])?.string ?? "default"
    var numbers: [String: Double] = [:]
    for member in object.members {
      guard let number = member.value.real else { continue }
      guard Float(number).isFinite else {
        throw InputProblem(
          file: file, field: "\(field).\(member.key)", found: member.value.summary,
          expected: "a number that fits float32")
      }
      numbers[member.key] = number
    }
    switch type {
    case "default": self.init(kind: .none, numbers: numbers)
    case "dynamic": self.init(kind: .dynamic, numbers: numbers)
    case "linear", "yarn", "llama3":
      guard allowed.contains(type), let kind = Kind(rawValue: type) else { fallthrough }
      guard let factor = numbers["factor"] ?? (kind == .llama3 ? 8 : nil), Float(factor) > 0 else {
        throw InputProblem(
          file: file, field: "\(field).factor", found: object["factor"]?.summary ?? "no such key",
          expected: "a number above 0")
      }
      numbers["factor"] = factor
      self.init(kind: kind, numbers: numbers)
      try checkBand(file: file, field: field)
    default:
      throw InputProblem(
        file: file, field: field, found: "type \"\(type.escapedForDisplay)\"",
        expected: "one of default, \(allowed.joined(separator: ", "))")
    }
  }

  /// Llama 3 mixes frequencies between two wavelengths: they must be there, and in this order.
  private func checkBand(file: String, field: String) throws(InputProblem) {
    guard kind == .llama3 else { return }
    let (low, high, original) = (lowFrequency, highFrequency, originalLength)
    guard low > 0, high > low, original > 0 else {
      throw InputProblem(
        file: file, field: field,
        found: "low_freq_factor \(low), high_freq_factor \(high), length \(original)",
        expected: "0 < low_freq_factor < high_freq_factor and a length above 0")
    }
  }

  private var lowFrequency: Double { numbers["low_freq_factor"] ?? 1 }
  private var highFrequency: Double { numbers["high_freq_factor"] ?? 4 }
  private var originalLength: Double { numbers["original_max_position_embeddings"] ?? 8192 }

  private init(kind: Kind, numbers: [String: Double]) {
    self.kind = kind
    self.numbers = numbers
  }

  /// The object that holds the scaling. DeepSeek-V4 as transformers 5 saves it has one for windowed
  /// attention (`main`, never scaled) and one for compressed attention.
  private static func source(in config: JSONObject) -> (field: String, JSONObject?) {
    if let object = config.value(atPath: "rope_parameters.compress")?.object {
      return ("rope_parameters.compress", object)
    }
    if let object = config["rope_scaling"]?.object { return ("rope_scaling", object) }
    return ("rope_parameters", config["rope_parameters"]?.object)
  }

  /// What YaRN multiplies cosine and sine by: `attention_factor` where the config has one, else
  /// m(mscale) / m(mscale_all_dim) where it has both, else m(1); m(s) = 0.1 · s · ln(factor) + 1, and 1
  /// where `factor` shrinks. As transformers' `_compute_yarn_parameters`. Nil for other kinds.
  package var yarnMagnitude: Double? {
    guard kind == .yarn, let factor = numbers["factor"] else { return nil }
    if let stated = numbers["attention_factor"] { return stated }
    guard let one = numbers["mscale"], let all = numbers["mscale_all_dim"], one != 0, all != 0
    else { return Self.magnitude(factor, 1) }
    return Self.magnitude(factor, one) / Self.magnitude(factor, all)
  }

  /// m(s) = 0.1 · s · ln(factor) + 1, and 1 where `factor` shrinks.
  package static func magnitude(_ factor: Double, _ scale: Double) -> Double {
    factor <= 1 ? 1 : 0.1 * scale * log(factor) + 1
  }

  /// What a reader should know of scaling that GGUF has no key for, as in llama.cpp's converter.
  package var warning: String? {
    guard kind == .dynamic else { return nil }
    return
      "rope type dynamic: GGUF cannot say so; beyond max_position_embeddings the runtime will differ"
  }

  /// The `ARCH.rope.scaling.*` keys, in llama.cpp's order.
  package func keyValues(architecture: String) -> [GGUFKeyValue] {
    guard kind == .linear || kind == .yarn else { return [] }
    let prefix = "\(architecture).rope.scaling."
    var result = [GGUFKeyValue(prefix + "type", .text(kind.rawValue))]
    func add(_ key: String, _ source: String) {
      if let value = numbers[source] { result.append(.init(prefix + key, .float32(Float(value)))) }
    }
    add("factor", "factor")
    guard kind == .yarn else { return result }
    if let original = numbers["original_max_position_embeddings"] {
      let length = UInt32(exactly: original.rounded()) ?? .max
      result.append(.init(prefix + "original_context_length", .uint32(length)))
    }
    add("yarn_ext_factor", "extrapolation_factor")
    // transformers 5 writes DeepSeek-V4's factor of 1 out; the runtime computes its own.
    if architecture != "deepseek4" { add("yarn_attn_factor", "attention_factor") }
    add("yarn_beta_fast", "beta_fast")
    add("yarn_beta_slow", "beta_slow")
    return result
  }

  /// The divisors of Llama 3's rotary frequencies (`rope_freqs.weight`), one for each pair.
  ///
  /// Wavelengths below `original / high` keep their frequency, above `original / low` they are
  /// stretched by `factor`, in between linearly interpolated (float64, rounded once to float32).
  package func llama3Factors(theta: Double, headDimension: Int) -> [Float] {
    let factor = numbers["factor"] ?? 8
    let (low, high, original) = (lowFrequency, highFrequency, originalLength)
    return (0..<headDimension / 2).map { pair in
      let wavelength = 2 * Double.pi * pow(theta, 2 * Double(pair) / Double(headDimension))
      if wavelength < original / high { return 1 }
      if wavelength > original / low { return Float(factor) }
      let smooth = (original / wavelength - low) / (high - low)
      return Float(1 / ((1 - smooth) / factor + smooth))
    }
  }
}

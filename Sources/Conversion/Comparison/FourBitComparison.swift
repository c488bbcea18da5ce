import QuernCertificates
import QuernCheckpoints
import QuernQuantization

/// What experts of four bits cost against eight, layer by layer, measured on some of their rows.
public struct FourBitComparison: Sendable {
  /// The experts of one layer.
  public struct Row: Sendable {
    /// What their names begin with: `layers.3`, `mtp.0`.
    public let layer: String
    public let tensorCount: Int
    public let sampledRowCount: Int
    public let fourBits: ErrorSums
    public let eightBits: ErrorSums
  }

  /// In the order of the plan.
  public let rows: [Row]

  /// Measures what a plan for Ascend has in four bits, and the same rows in eight.
  ///
  /// - Returns: nil for a plan without matrices of four bits.
  /// - Throws: `ConversionError` where a source cannot be read or is not finite.
  public init?(_ plan: ConversionPlan) throws(ConversionError) {
    guard plan.target == .ascend, let eight = IntegerFormat("w8a8_dynamic", for: .ascend) else {
      return nil
    }
    let groups = Self.groups(plan)
    guard !groups.isEmpty else { return nil }
    let inEight = Recipe(
      name: plan.recipe.name,
      rules: plan.recipe.rules.map { rule in
        guard case .integers(let format) = rule.type, format.storage.bits == .four else {
          return rule
        }
        return Recipe.Rule(
          match: rule.match, type: .integers(eight), method: rule.method, layers: rule.layers,
          ordersByActivation: rule.ordersByActivation, isOptional: rule.isOptional)
      })
    let other = try ConversionPlan(
      plan.target, of: plan.checkpoint, recipe: inEight, options: plan.options,
      importance: plan.importance, calibration: plan.calibration, outputName: plan.outputName)
    let samples = groups.map { SampledErrors.sample($0.members, of: plan) }
    let four = try SampledErrors.sums(samples, of: plan)
    let eightBits = try SampledErrors.sums(samples, of: other)
    rows = groups.indices.map { index in
      Row(
        layer: groups[index].layer, tensorCount: groups[index].members.count,
        sampledRowCount: samples[index].reduce(0) { $0 + $1.rows.count }, fourBits: four[index],
        eightBits: eightBits[index])
    }
  }

  /// Positions of the matrices of four bits, those of one layer together.
  private static func groups(_ plan: ConversionPlan) -> [(layer: String, members: [Int])] {
    var groups: [(layer: String, members: [Int])] = []
    for (index, tensor) in plan.tensors.enumerated()
    where tensor.storage.integerFormat?.storage.bits == .four && tensor.elementCount > 0 {
      let layer = layer(of: tensor.name)
      if groups.last?.layer == layer {
        groups[groups.count - 1].members.append(index)
      } else {
        groups.append((layer, [index]))
      }
    }
    return groups
  }

  /// A name up to its first number.
  private static func layer(of name: String) -> String {
    let parts = name.split(separator: ".")
    guard let number = parts.firstIndex(where: { Int($0) != nil }) else { return name }
    return parts[...number].joined(separator: ".")
  }
}

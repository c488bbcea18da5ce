import QuernCertificates
import QuernCheckpoints

/// What a rotation does to the errors of a model's integers, measured on some rows of each role, with
/// and without it.
public struct RotationComparison: Sendable {
  /// The tensors of one role and type.
  public struct Row: Sendable {
    public let role: TensorRole
    public let type: String
    public let tensorCount: Int
    public let sampledRowCount: Int
    /// Without the rotation.
    public let plain: ErrorSums
    public let rotated: ErrorSums
  }

  /// In the order of the plan.
  public let rows: [Row]

  /// Plans without the rotation what the plan rotates, and measures both.
  ///
  /// - Throws: `ConversionError` where the other plan is refused, or a source cannot be read or is not
  ///   finite.
  public init(_ plan: ConversionPlan) throws(ConversionError) {
    var options = plan.options
    options.rotates = false
    let plain = try ConversionPlan(
      plan.target, of: plan.checkpoint, recipe: plan.recipe, options: options,
      outputName: plan.outputName)
    let groups = Self.groups(plan)
    let samples = groups.map { SampledErrors.sample($0, of: plan) }
    let rotated = try SampledErrors.sums(samples, of: plan)
    let unrotated = try SampledErrors.sums(samples, of: plain)
    rows = groups.indices.map { index in
      let first = plan.tensors[groups[index][0]]
      return Row(
        role: first.role, type: first.storage.word, tensorCount: groups[index].count,
        sampledRowCount: samples[index].reduce(0) { $0 + $1.rows.count },
        plain: unrotated[index], rotated: rotated[index])
    }
  }

  private struct Kind: Hashable {
    let role: TensorRole
    let storage: TensorStorage
  }

  /// Positions of rotated matrices of integers, those of one role and type together.
  private static func groups(_ plan: ConversionPlan) -> [[Int]] {
    var groups: [[Int]] = []
    var places: [Kind: Int] = [:]
    for (index, tensor) in plan.tensors.enumerated()
    where tensor.rotation != nil && tensor.storage.integerFormat != nil && tensor.elementCount > 0 {
      let kind = Kind(role: tensor.role, storage: tensor.storage)
      if let place = places[kind] {
        groups[place].append(index)
      } else {
        places[kind] = groups.count
        groups.append([index])
      }
    }
    return groups
  }
}

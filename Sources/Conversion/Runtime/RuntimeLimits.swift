import QuernCheckpoints
import QuernQuantization
import QuernTensors

/// What a runtime cannot load, said at the plan and in its terms: there it would be an error after
/// minutes of loading, or none and a wrong model.
enum RuntimeLimits {
  /// Columns of a weight that is split along them are summed in so many runs for the correction of
  /// W4A8, one or more for each of up to as many devices.
  static let splitCorrectionRuns = 16
  /// Products of eight bits, 128 · 127 at most, are summed in 32 bits, as is what corrects an offset of
  /// the inputs.
  private static let summandLimit = Int(Int32.max) / (128 * 127)

  /// Why a matrix cannot have a format; nil where it can.
  static func problem(_ format: IntegerFormat, _ module: RuntimeModule?, _ shape: Shape) -> String?
  {
    guard let module, shape.rank == 2 else {
      return "\(format.word) is for the weights of linear layers and experts, and this is none"
    }
    if let reason = module.floatReason { return "\(format.word) is asked for, but \(reason)" }
    return format.runtime == .ascend
      ? ascendProblem(format, module) ?? shapeProblem(format, module, shape)
      : shapeProblem(format, module, shape)
  }

  private static func ascendProblem(_ format: IntegerFormat, _ module: RuntimeModule) -> String? {
    switch (module.kind, format.storage.bits, format.activations) {
    case (.linear, .four, _):
      "vllm-ascend has no W4A8_DYNAMIC for linear layers, only for routed experts"
    case (.expert, _, .fixed):
      "vllm-ascend has no static W8A8 for routed experts: use w8a8_dynamic or w4a8_dynamic"
    case (.expert, _, .float):
      "vllm-ascend has no W8A16 for routed experts: use w8a8_dynamic or w4a8_dynamic"
    default: nil
    }
  }

  private static func shapeProblem(
    _ format: IntegerFormat, _ module: RuntimeModule, _ shape: Shape
  ) -> String? {
    let (rows, columns) = (shape.rowCount, shape.rowLength)
    if rows % format.storage.rowGranule != 0 {
      return "\(rows) rows; four bits are packed in pairs of rows, so their number must be even"
    }
    if format.storage.packing == .rowPairs, module.split == .columns,
      columns % splitCorrectionRuns != 0
    {
      return "rows of \(columns); scale_bias has a column for each of \(splitCorrectionRuns) equal "
        + "runs of a row, so their length must be a multiple of \(splitCorrectionRuns)"
    }
    if format.activations != .float, columns > summandLimit {
      return "rows of \(columns): kernels sum the products of eight bits in 32, which hold "
        + "\(summandLimit) of them"
    }
    if let group = format.storage.groupElements, columns % group != 0 {
      return "rows of \(columns) are no whole number of groups of \(group)"
    }
    return nil
  }

  /// Two members of a fused module, and what it is called.
  struct Disagreement {
    let first: PlannedTensor
    let other: PlannedTensor
    let module: String
  }

  /// Members that a runtime fuses into one module must have one type: the first that differs, with
  /// the one it differs from. To a runtime all floats are one type.
  static func disagreement(among tensors: [(tensor: PlannedTensor, module: RuntimeModule?)])
    -> Disagreement?
  {
    disagreement(among: tensors) { $0.storage.integerFormat }
  }

  /// They must also have one scale and offset of their inputs, where these are fixed: the module has
  /// room for one, the last that is loaded.
  static func inputDisagreement(among tensors: [(tensor: PlannedTensor, module: RuntimeModule?)])
    -> Disagreement?
  {
    disagreement(among: tensors) { $0.activation }
  }

  private static func disagreement<Value: Equatable>(
    among tensors: [(tensor: PlannedTensor, module: RuntimeModule?)],
    about value: (PlannedTensor) -> Value
  ) -> Disagreement? {
    var firsts: [String: PlannedTensor] = [:]
    for (tensor, module) in tensors {
      guard let fused = module?.fusedWith else { continue }
      guard let first = firsts[fused] else {
        firsts[fused] = tensor
        continue
      }
      if value(first) != value(tensor) {
        return Disagreement(first: first, other: tensor, module: fused)
      }
    }
    return nil
  }
}

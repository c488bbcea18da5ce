import QuernTensors

/// An output tensor and what a budget may make of it.
struct BudgetTensor: Sendable {
  /// A type and a method that a rule may name, and what they make of the tensor.
  struct Candidate: Sendable {
    let type: Recipe.TargetType
    let method: Recipe.Method
    let ordersByActivation: Bool
    var planned: PlannedTensor
    /// False for what is measured to compare a recipe with, but is against the base's method.
    let isChoice: Bool

    func isSame(as other: Candidate) -> Bool { type == other.type && method == other.method }
  }

  /// What becomes of it where the budget decides nothing, with its importance data whatever the method.
  let base: PlannedTensor
  /// False for what stays as the base has it.
  let isOpen: Bool
  /// What its error is measured of; empty for tensors that every recipe leaves alone.
  let candidates: [Candidate]

  /// The candidate that another plan made of the tensor.
  func position(of planned: PlannedTensor) -> Int? {
    candidates.firstIndex {
      $0.planned.storage == planned.storage && $0.planned.method == planned.method
    }
  }

  /// The same for tensors that share a format: gate and up projection of a layer, which llama.cpp
  /// multiplies by in one kernel where their types are the same, and the copies of a tensor in the
  /// draft's file, whose name a rule cannot tell apart.
  var fusionKey: String { base.name.replacing("ffn_gate", with: "ffn_up") }
}

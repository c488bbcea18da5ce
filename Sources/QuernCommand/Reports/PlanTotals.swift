import Quern

/// Sums over tensors of a plan.
struct PlanTotals {
  private(set) var tensorCount = 0
  private(set) var elementCount = 0
  private(set) var byteCount = 0

  private mutating func add(_ tensor: PlannedTensor) {
    tensorCount += 1
    elementCount += tensor.elementCount
    byteCount += tensor.byteCount
  }

  /// The formats that are used, the one with most bytes first.
  static func byFormat(_ plan: ConversionPlan) -> [(TensorStorage, PlanTotals)] {
    var totals: [TensorStorage: PlanTotals] = [:]
    for tensor in plan.tensors { totals[tensor.storage, default: PlanTotals()].add(tensor) }
    return totals.sorted {
      ($0.value.byteCount, $1.key.word) > ($1.value.byteCount, $0.key.word)
    }.map { ($0.key, $0.value) }
  }

  /// By the word of the expectation, the strongest first.
  static func byExactness(_ plan: ConversionPlan) -> [(String, PlanTotals)] {
    var totals: [String: PlanTotals] = [:]
    for tensor in plan.tensors {
      totals[tensor.expectation.word, default: PlanTotals()].add(tensor)
    }
    let words: [Exactness] = [.exact, .exactIf(""), .bounded, .measured]
    return words.compactMap { kind in totals[kind.word].map { (kind.word, $0) } }
  }
}

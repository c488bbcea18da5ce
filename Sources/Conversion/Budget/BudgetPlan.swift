/// A plan whose formats were chosen to meet a budget, and what is expected of it.
public struct BudgetPlan: Sendable {
  public let plan: ConversionPlan
  public let budget: Budget
  /// Σ importance · error² over all weights, estimated from sampled rows.
  public let noise: Double
  /// Σ importance · weight² over the tensors the budget chose formats for.
  public let signal: Double
  /// No choice of formats within the budget has less noise, by the same estimates.
  public let noiseBound: Double
  /// How many tensors the budget chose formats for.
  public let tensorCount: Int

  /// True where the budget is as large as what loses nothing of the sampled rows.
  public var losesNothing: Bool { noise == 0 }
}

import QuernQuantization

/// What a recipe or a budget makes of a model: its size and, by the survey, what it loses.
public struct TradeOff: Sendable {
  /// The recipe's name, or that of a budget.
  public let name: String
  /// The budget, where it is one.
  public let budget: Budget?
  /// Bytes of all output files.
  public let outputByteCount: Int
  /// Stored bits per weight over all tensors.
  public let bitsPerWeight: Double
  /// Share of the weights, from 0 to 1, that are expected to keep their values.
  public let exactShare: Double
  /// Σ importance · error² over all weights, estimated from sampled rows.
  public let noise: Double
  /// The least noise that a choice of formats of the same size has; equal to `noise` for a budget.
  public let leastNoise: Double?
  /// Σ importance · weight² over the tensors that were measured: the same for all rows.
  public let signal: Double
  /// Weights in each format, the most frequent first.
  public let formats: [(format: NumberFormat, elementCount: Int)]

  init(
    _ plan: ConversionPlan, name: String, budget: Budget?, noise: Double, leastNoise: Double?,
    signal: Double
  ) {
    self.name = name
    self.budget = budget
    outputByteCount = plan.outputByteCount
    bitsPerWeight = plan.bitsPerWeight
    self.noise = noise
    self.leastNoise = leastNoise
    self.signal = signal
    var (total, exact) = (0, 0)
    var counts: [NumberFormat: Int] = [:]
    for tensor in plan.tensors {
      total += tensor.elementCount
      guard let format = tensor.storage.numberFormat else { continue }
      counts[format, default: 0] += tensor.elementCount
      switch tensor.expectation {
      case .exact, .exactIf: exact += tensor.elementCount
      case .bounded, .measured: break
      }
    }
    exactShare = total == 0 ? 1 : Double(exact) / Double(total)
    formats = counts.sorted {
      ($0.value, $1.key.rawValue) > ($1.value, $0.key.rawValue)
    }.map { ($0.key, $0.value) }
  }
}

extension BudgetPlanner {
  /// Bits per weight at which budgets are shown.
  private static let shownBits = [4.25, 4.5, 5, 5.5, 6, 7, 8.5, 10, 12]

  /// All known recipes with what the best choice of their size would lose, then some budgets between
  /// the smallest and the first that loses nothing.
  public func tradeOffs(_ survey: ErrorSurvey) throws(ConversionError) -> [TradeOff] {
    var rows: [TradeOff] = []
    for index in space.recipes.indices { rows.append(try recipeRow(index, survey)) }
    for bits in Self.shownBits {
      guard let found = try planned(.bitsPerWeight(bits), survey) else { continue }
      rows.append(
        TradeOff(
          found.plan, name: found.plan.recipe.displayName, budget: found.budget,
          noise: found.noise + fixedNoise(survey), leastNoise: nil, signal: signal(survey)))
      if found.losesNothing { break }
    }
    return rows
  }

  private func recipeRow(_ index: Int, _ survey: ErrorSurvey) throws(ConversionError) -> TradeOff {
    let (recipe, tensors) = space.recipes[index]
    let plan = try sizes(of: recipe)
    var noise = 0.0
    for (position, tensor) in space.tensors.enumerated() {
      guard let candidate = tensor.position(of: tensors[position]) else { continue }
      noise += survey.estimates[position].noise[candidate]
    }
    // Headers are the same: what is left of the file's size is for the tensors.
    let budget = Budget.byteCount(
      plan.tensors.reduce(0) { $0 + BudgetProblem.padded($1.byteCount) })
    let problem = BudgetProblem(space, survey, budget: budget)
    let least = problem.solve(limit: problem.limit).map { $0.error + fixedNoise(survey) }
    return TradeOff(
      plan, name: recipe.displayName, budget: nil, noise: noise, leastNoise: least,
      signal: signal(survey))
  }

  private func signal(_ survey: ErrorSurvey) -> Double {
    survey.estimates.reduce(0) { $0 + $1.signal }
  }

  /// What tensors lose that were measured but are not open.
  private func fixedNoise(_ survey: ErrorSurvey) -> Double {
    space.tensors.indices.reduce(0) { sum, index in
      let tensor = space.tensors[index]
      guard !tensor.isOpen, let position = tensor.position(of: tensor.base) else { return sum }
      return sum + survey.estimates[index].noise[position]
    }
  }
}

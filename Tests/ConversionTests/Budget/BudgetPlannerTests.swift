import QuernCheckpoints
import QuernQuantization
import QuernTestSupport
import Testing

@testable import QuernConversion

struct BudgetPlannerTests {
  /// What a plan of known formats loses by the survey.
  private func noise(
    _ planned: [String: NumberFormat], _ budget: BudgetPlanner, _ survey: ErrorSurvey
  )
    throws -> Double
  {
    var sum = 0.0
    for (index, tensor) in budget.space.tensors.enumerated() where tensor.isOpen {
      let format = planned[tensor.base.name]
      let position = try #require(tensor.candidates.firstIndex { $0.planned.format == format })
      sum += survey.estimates[index].noise[position]
    }
    return sum
  }

  private func formats(_ plan: ConversionPlan) -> [String: NumberFormat] {
    // The draft's file has embedding and head a second time.
    Dictionary(plan.tensors.map { ($0.name, $0.format) }) { first, _ in first }
  }

  @Test(arguments: Converting.checkpoints)
  func noBuiltInRecipeOfTheSameSizeIsBetter(path: String) throws {
    let (budget, survey) = try Budgets.surveyed(path)
    for name in Recipe.builtIns(target: .gguf).map(\.name) {
      let recipe = try Converting.plan(testData: path, recipe: name)
      let known = try noise(formats(recipe), budget, survey)
      for size in [Budget.byteCount(recipe.outputByteCount), .bitsPerWeight(recipe.bitsPerWeight)] {
        let found = try budget.plan(size, survey)
        // The same errors may be added in another order.
        #expect(found.noise <= known * (1 + 1e-12), "\(name)")
        #expect(found.noiseBound <= found.noise)
        #expect(
          abs(try noise(formats(found.plan), budget, survey) - found.noise) <= 1e-9 * found.noise)
      }
    }
  }

  @Test(arguments: Converting.checkpoints)
  func plansKeepToTheirBudgetAndUseIt(path: String) throws {
    let (budget, survey) = try Budgets.surveyed(path)
    let all = try Converting.plan(testData: path, recipe: "source")
    var last = Double.infinity
    for percent in [70, 90, 200] {
      let limit = all.outputByteCount / 100 * percent
      let found = try budget.plan(.byteCount(limit), survey)
      #expect(found.plan.outputByteCount <= limit)
      #expect(found.noise <= last)
      last = found.noise
      let bits = all.bitsPerWeight / 100 * Double(percent)
      #expect(try budget.plan(.bitsPerWeight(bits), survey).plan.bitsPerWeight <= bits + 1e-9)
    }
    #expect(last == 0)
    #expect(try budget.plan(.byteCount(.max), survey).losesNothing)
    #expect(try budget.plan(.bitsPerWeight(1e300), survey).losesNothing)
  }

  @Test func aBudgetBelowTheSmallestNamesTheSmallest() throws {
    let (budget, survey) = try Budgets.surveyed("tiny-v4/upstream")
    for (size, wrong) in [
      (Budget.byteCount(1000), "1000 bytes"), (.bitsPerWeight(1), "1.0 bits per weight"),
      (.bitsPerWeight(-1), "-1.0 bits per weight"), (.byteCount(-1), "-1 bytes"),
    ] {
      #expect {
        try budget.plan(size, survey)
      } throws: {
        guard case ConversionError.data(let problem) = $0 else { return false }
        let words = problem.expected.split(separator: " ")
        guard problem.found == wrong, words.prefix(2) == ["at", "least"] else { return false }
        let least = words[2]
        // The size that is named is one that can be reached.
        let reachable: Budget? =
          if case .byteCount = size { Int(least).map { .byteCount($0) } } else {
            Double(least).map { .bitsPerWeight($0) }
          }
        return try reachable.map { try budget.plan($0, survey).noise > 0 } ?? false
      }
    }
  }

  @Test func thePlanIsThatOfItsRecipeAndVerifiesWithoutASurvey() throws {
    let path = "stories260K/bf16-3shard"
    let (budget, survey) = try Budgets.surveyed(path)
    let found = try budget.plan(.bitsPerWeight(10.5), survey)
    #expect(found.plan.recipe.name == "budget-10.5bpw")
    #expect(found.plan.recipe.rules.count == found.tensorCount)
    let recipe = try Recipe(
      json: found.plan.recipe.json, name: found.plan.recipe.displayName, target: .gguf)
    let again = try Converting.plan(TestData.url(path).path, recipe: recipe)
    #expect(again.hash == found.plan.hash)
    let other = try Budgets.planner(path)
    let plan = try other.plan(.bitsPerWeight(10.5), other.survey(threadCount: 3)).plan
    #expect(plan.hash == found.plan.hash)
  }

  @Test func gateAndUpShareAFormatAndWhatStaysStays() throws {
    let (budget, survey) = try Budgets.surveyed("tiny-v4/upstream")
    let source = formats(try Converting.plan(testData: "tiny-v4/upstream", recipe: "source"))
    let stays: Set<TensorRole> = [
      .norm, .bias, .router, .routerBias, .routingTable, .attentionSink, .hyperConnection,
      .compressor, .indexer,
    ]
    for bits in stride(from: 9.0, through: 16, by: 0.5) {
      let plan = try budget.plan(.bitsPerWeight(bits), survey).plan
      let formats = formats(plan)
      for tensor in plan.tensors {
        if stays.contains(tensor.role) { #expect(tensor.format == source[tensor.name]) }
        let up = tensor.name.replacing("ffn_gate", with: "ffn_up")
        if let other = formats[up], tensor.name != up, tensor.role != .router {
          #expect(tensor.format == other, "\(tensor.name)")
        }
      }
    }
  }

  @Test func aBaseSaysWhatStaysAndHow() throws {
    let base = try Converting.recipe(
      """
      {rules: [{match: "blk.*.attn_q.weight", type: "q8_0", method: "absmax"},
               {match: "role:feed-forward", type: "q4_0"},
               {match: "blk.0.*_norm.weight", type: "f16"}]}
      """)
    let path = "stories260K/f32"
    let budget = try Budgets.planner(path, base: base)
    let survey = try budget.survey(threadCount: 2)
    let smallest = try Converting.plan(TestData.url(path).path, recipe: base)
    let found = try budget.plan(.byteCount(smallest.outputByteCount), survey)
    for (tensor, known) in zip(found.plan.tensors, smallest.tensors) {
      let isOpen = tensor.name.contains(".attn_q.") || tensor.name.contains(".ffn_")
      if !isOpen || tensor.name.contains("norm") { #expect(tensor.format == known.format) }
    }
    let rules = found.plan.recipe.rules
    #expect(rules.suffix(base.rules.count) == base.rules[...])
    for rule in rules.dropLast(base.rules.count) {
      guard case .output(let name) = rule.match else { continue }
      if rule.type != .source { #expect((rule.method == .absmax) == name.contains("attn_q")) }
    }
  }

  @Test func aBaseThatLeavesAllAloneLeavesNothingToChoose() throws {
    #expect {
      try Budgets.planner("stories260K/f32", base: Recipe.load("source", target: .gguf))
    } throws: {
      guard case ConversionError.recipe(let error) = $0 else { return false }
      return error.recipe == "source" && error.problem.contains("nothing to choose")
    }
  }
}

import QuernQuantization
import QuernTestSupport
import Testing

@testable import QuernConversion

struct TradeOffTests {
  @Test(arguments: ["stories260K/bf16-3shard", "tiny-v4/upstream"])
  func recipesAreShownWithTheirPlansAndNoneBeatsTheBudgetOfItsSize(path: String) throws {
    let budget = try Budgets.planner(path, explores: true)
    let rows = try budget.tradeOffs(budget.survey(threadCount: 2))
    for (row, builtIn) in zip(rows, Recipe.builtIns(target: .gguf)) {
      let plan = try Converting.plan(testData: path, recipe: builtIn.name)
      #expect(row.name == plan.recipe.displayName)
      #expect(row.outputByteCount == plan.outputByteCount)
      #expect(row.bitsPerWeight == plan.bitsPerWeight)
      let least = try #require(row.leastNoise)
      #expect(least <= row.noise * (1 + 1e-12), "\(row.name)")
      #expect(row.signal == rows[0].signal)
    }
    #expect(rows[0].noise == 0 && rows[0].exactShare == 1)
    let budgets = rows.filter { $0.budget != nil }
    #expect(!budgets.isEmpty)
    for (smaller, larger) in zip(budgets, budgets.dropFirst()) {
      #expect(smaller.noise >= larger.noise && smaller.bitsPerWeight <= larger.bitsPerWeight)
    }
  }

  /// With a recipe beside them, budgets leave alone what it leaves alone; the built-ins are as before.
  @Test func aBaseChangesTheBudgetsOnly() throws {
    let path = "stories260K/bf16-3shard"
    let base = try Converting.recipe(#"{rules: [{match: "role:feed-forward", type: "q4_0"}]}"#)
    let all = try Budgets.planner(path, explores: true)
    let rows = try all.tradeOffs(all.survey(threadCount: 2))
    let based = try Budgets.planner(path, base: base, explores: true)
    let others = try based.tradeOffs(based.survey(threadCount: 2))
    let count = Recipe.builtIns(target: .gguf).count
    for (left, right) in zip(rows.prefix(count), others.prefix(count)) {
      #expect(left.noise == right.noise && left.signal == right.signal)
    }
    #expect(others[count].name == "own.json5")
    for row in others where row.budget != nil {
      let half = row.formats.first { $0.format == .bf16 }?.elementCount ?? 0
      #expect(half > 0)
    }
  }
}

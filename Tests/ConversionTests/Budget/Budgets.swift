import QuernCheckpoints
import QuernTestSupport

@testable import QuernConversion

/// Budget planners of the tests, and what their surveys found.
enum Budgets {
  static func planner(_ path: String, base: Recipe? = nil, explores: Bool = false) throws
    -> BudgetPlanner
  {
    try BudgetPlanner(
      Checkpoint.open(TestData.url(path).path, environment: [:]), base: base,
      options: ConversionOptions(), outputName: "out", explores: explores)
  }

  /// A planner without a base and its survey, which is made once.
  static func surveyed(_ path: String) throws -> (BudgetPlanner, ErrorSurvey) {
    guard let result = surveys[path] else { throw CancellationError() }
    return try result.get()
  }

  private static let surveys = Dictionary(
    uniqueKeysWithValues: Converting.checkpoints.map { path in
      (
        path,
        Result {
          let planner = try planner(path)
          return (planner, try planner.survey(threadCount: 2))
        }
      )
    })
}

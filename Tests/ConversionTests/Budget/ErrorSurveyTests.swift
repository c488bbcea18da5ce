import QuernContainers
import QuernCheckpoints
import QuernQuantization
import QuernTestSupport
import Testing

@testable import QuernConversion

struct ErrorSurveyTests {
  /// Tensors that are read whole are measured as the certificate of a conversion measures them, large
  /// ones to some percent.
  @Test(arguments: ["stories260K/f32", "tiny-v4/upstream"], ["q8_0", "q4_0"])
  func theSurveySaysWhatAConversionLoses(path: String, recipe: String) throws {
    let (budget, survey) = try Budgets.surveyed(path)
    let folder = try TemporaryFolder()
    let certificate = try Converting.run(
      Converting.plan(testData: path, recipe: recipe), in: folder)
    let position = try #require(budget.space.recipes.firstIndex { $0.recipe.name == recipe })
    var compared = 0
    for (index, tensor) in budget.space.tensors.enumerated() where !tensor.candidates.isEmpty {
      let planned = budget.space.recipes[position].tensors[index]
      let row = try #require(certificate.rows.first { $0.name == planned.name })
      let candidate = try #require(tensor.position(of: planned))
      let noise = survey.estimates[index].noise[candidate]
      let signal = survey.estimates[index].signal
      let tolerance = planned.sample.scale == 1 ? 1e-9 : 0.2
      #expect(abs(noise - row.sums.noise) <= tolerance * row.sums.noise, "\(planned.name)")
      #expect(abs(signal - row.sums.signal) <= tolerance * row.sums.signal, "\(planned.name)")
      compared += 1
    }
    #expect(compared > 10)
  }

  @Test func anyNumberOfThreadsMeasuresTheSame() throws {
    let (budget, survey) = try Budgets.surveyed("tiny-v4/upstream")
    for count in [1, 3] {
      #expect(try budget.survey(threadCount: count).estimates == survey.estimates)
    }
  }

  @Test func whatFormatsWithoutLossCostIsNothing() throws {
    let (budget, survey) = try Budgets.surveyed("tiny-v4/upstream")
    for (index, tensor) in budget.space.tensors.enumerated() {
      for (candidate, noise) in zip(tensor.candidates, survey.estimates[index].noise) {
        #expect(candidate.planned.expectation != .exact || noise == 0)
        #expect(noise >= 0)
      }
    }
  }

  @Test func theBytesThatAreReadAreKnownBefore() throws {
    for path in ["stories260K/f32", "tiny-v4/upstream"] {
      let budget = try Budgets.planner(path)
      let control = RunControl()
      _ = try budget.survey(threadCount: 2, control: control)
      #expect(control.processedByteCount == budget.surveyByteCount)
    }
  }

  @Test func interruptionEndsTheSurvey() throws {
    let budget = try Budgets.planner("stories260K/f32")
    let control = RunControl()
    control.interrupt()
    #expect {
      try budget.survey(threadCount: 2, control: control)
    } throws: {
      if case ConversionError.interrupted = $0 { true } else { false }
    }
  }
}

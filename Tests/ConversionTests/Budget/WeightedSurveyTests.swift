import Foundation
import QuernCheckpoints
import QuernQuantization
import QuernTensors
import QuernTestSupport
import Testing

@testable import QuernConversion

struct WeightedSurveyTests {
  private let model = "stories260K/f32"
  private let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  /// Importance data as `.dat`: for each tensor the mean squared activation of its columns.
  private func importance(_ means: [String: [Float]]) throws -> Importance {
    func integer(_ value: Int) -> [UInt8] { word(UInt32(value)) }
    func word(_ value: UInt32) -> [UInt8] { (0..<4).map { UInt8(value >> (8 * $0) & 255) } }
    var bytes = integer(means.count)
    for (name, values) in means.sorted(by: { $0.key < $1.key }) {
      bytes += integer(name.utf8.count) + Array(name.utf8) + integer(1) + integer(values.count)
      bytes += [UInt8](floats: values)
    }
    let path = folder.path("imatrix.dat")
    try Data(bytes).write(to: URL(filePath: path))
    return try Importance(path: path)
  }

  private func planner(_ importance: Importance?) throws -> BudgetPlanner {
    try BudgetPlanner(
      Checkpoint.open(TestData.url(model).path, environment: [:]), base: nil,
      options: ConversionOptions(), importance: importance, outputName: "out")
  }

  /// The open tensors with the lengths of their rows.
  private func open() throws -> [(name: String, rowLength: Int)] {
    try planner(nil).space.tensors.filter(\.isOpen).map { ($0.base.name, $0.base.rowLength) }
  }

  private func means(of value: Float) throws -> [String: [Float]] {
    Dictionary(
      uniqueKeysWithValues: try open().map {
        ($0.name, [Float](repeating: value, count: $0.rowLength))
      })
  }

  @Test func equalWeightsScaleEveryErrorAndChangeNoChoice() throws {
    // Importance is read where it is used, and both files have one name: one after the other.
    let plain = try planner(importance(means(of: 2)))
    let one = try plain.survey(threadCount: 2)
    let weighted = try planner(importance(means(of: 8)))
    let four = try weighted.survey(threadCount: 2)
    for (left, right) in zip(one.estimates, four.estimates) {
      #expect(abs(4 * left.signal - right.signal) <= 1e-9 * right.signal)
      for (left, right) in zip(left.noise, right.noise) {
        #expect(abs(4 * left - right) <= 1e-3 * right)
      }
    }
    let budget = Budget.bitsPerWeight(8)
    let formats = [try plain.plan(budget, one).plan, try weighted.plan(budget, four).plan].map {
      $0.tensors.map(\.format)
    }
    #expect(formats[0] == formats[1])
  }

  @Test func whatHasNoDataCountsAsMuchAsTheMean() throws {
    let tensors = try open()
    let seen = tensors.prefix(3)
    let means = Dictionary(
      uniqueKeysWithValues: seen.enumerated().map { index, tensor in
        (tensor.name, [Float](repeating: Float(2 + index), count: tensor.rowLength))
      })
    let (plain, weighted) = (try planner(nil), try planner(importance(means)))
    let (one, other) = (try plain.survey(threadCount: 2), try weighted.survey(threadCount: 2))
    var (sum, count) = (0.0, 0.0)
    for tensor in plain.space.tensors {
      guard let mean = means[tensor.base.name]?.first else { continue }
      sum += Double(mean) * Double(tensor.base.elementCount)
      count += Double(tensor.base.elementCount)
    }
    for (index, tensor) in plain.space.tensors.enumerated() where tensor.isOpen {
      let factor = means[tensor.base.name]?.first.map(Double.init) ?? sum / count
      let (left, right) = (one.estimates[index].signal, other.estimates[index].signal)
      #expect(abs(factor * left - right) <= 1e-9 * right, "\(tensor.base.name)")
    }
  }

  @Test func importantTensorsGetMoreBits() throws {
    func plan(_ importance: Importance?) throws -> ConversionPlan {
      let planner = try planner(importance)
      return try planner.plan(.bitsPerWeight(8), planner.survey(threadCount: 2)).plan
    }
    let tensors = try open()
    let names = Set(tensors.map(\.name))
    let least = try #require(
      plan(nil).tensors.filter { names.contains($0.name) && !$0.name.contains("ffn") }.min {
        $0.format.bitsPerElement < $1.format.bitsPerElement
      })
    let means = Dictionary(
      uniqueKeysWithValues: tensors.map {
        ($0.name, [Float](repeating: $0.name == least.name ? 1e6 : 2, count: $0.rowLength))
      })
    let format = try plan(importance(means)).tensors.first { $0.name == least.name }?.format
    #expect(try #require(format).bitsPerElement > least.format.bitsPerElement)
  }

  @Test func plansAreThoseOfTheirRecipesWithTheSameData() throws {
    let means = Dictionary(
      uniqueKeysWithValues: try open().map { tensor in
        (tensor.name, (0..<tensor.rowLength).map { Float(1 + $0 % 7) })
      })
    let data = try importance(means)
    let weighted = try planner(data)
    let found = try weighted.plan(.bitsPerWeight(8), weighted.survey(threadCount: 2)).plan
    let again = try ConversionPlan(
      .gguf,
      of:
        found.checkpoint, recipe: found.recipe, options: ConversionOptions(), importance: data,
      outputName: "out")
    #expect(again.hash == found.hash)
    #expect(found.tensors.contains { $0.importance != nil })
  }
}

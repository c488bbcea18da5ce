import Foundation
import QuernContainers
import QuernTestSupport
import Testing

@Suite struct BudgetCommandTests {
  private let model = TestData.url("stories260K/bf16-3shard").path

  @Test func aBudgetIsKeptCertifiedAndVerified() throws {
    let scratch = try Scratch()
    let converted = try QuernProcess.run(
      "convert", model, "--target-bpw", "7.5", "-o", "out.gguf", in: scratch)
    #expect(converted.code == 0, "\(converted.errors)")
    let certificate = try #require(
      try JSONValue(parsing: [UInt8](scratch.contents(of: "out.gguf.certificate.json"))).object)
    #expect(certificate["recipeName"]?.string == "budget-7.5bpw")
    let verified = try QuernProcess.run("verify", "out.gguf", "--against", model, in: scratch)
    #expect(verified.code == 0, "\(verified.output)\(verified.errors)")
  }

  @Test func aSizeIsKeptToTheByteForAnyNumberOfThreads() throws {
    let scratch = try Scratch()
    var hashes: Set<String> = []
    for threads in ["1", "3"] {
      let plan = try QuernProcess(
        ["plan", model, "--target-size", "300kB", "--threads", threads, "--json"],
        in: scratch.url
      ).wait().json()
      let size = try #require(plan["outputBytes"]?.integer)
      #expect(size <= 300_000 && size > 295_000)
      let budget = try #require(plan["budget"]?.object)
      #expect(budget["bytes"]?.integer == 300_000)
      for key in ["signal", "noise", "noiseBound"] { #expect(budget[key]?.real ?? 0 > 0) }
      hashes.insert(try #require(plan["plan"]?.string))
    }
    #expect(hashes.count == 1)
    let text = try QuernProcess.run("plan", model, "--target-size", "300kB", in: scratch)
    #expect(text.output.contains("budget-300000B") && text.output.contains("above the least"))
  }

  @Test func aRecipeBesideABudgetSaysWhatStays() throws {
    let scratch = try Scratch()
    try scratch.write(
      #"{rules: [{match: "role:feed-forward", type: "q4_0"}]}"#, to: "base.json5")
    let plan = try QuernProcess(
      ["plan", model, "--recipe", "./base.json5", "--target-bpw", "12", "--json"], in: scratch.url
    ).wait().json()
    for tensor in try #require(plan["tensors"]?.array).compactMap(\.object) {
      let isOpen = tensor["role"]?.string == "feed-forward"
      #expect(isOpen || ["bf16", "f32"].contains(tensor["type"]?.string))
    }
  }

  @Test func explorationComparesRecipesAndBudgetsWithoutWriting() throws {
    let scratch = try Scratch()
    let result = try QuernProcess.run("plan", model, "--explore", in: scratch)
    #expect(result.code == 0, "\(result.errors)")
    for word in ["source", "q4_k_m@1", "q8_0@2", "--target-bpw 8.5", "no error", " dB"] {
      #expect(result.output.contains(word), "\(word) in \(result.output)")
    }
    #expect(scratch.names.isEmpty)
    let json = try QuernProcess(["plan", model, "--explore", "--json"], in: scratch.url).wait()
      .json()
    let recipes = try #require(json["recipes"]?.array).compactMap(\.object)
    #expect(recipes.count >= 10)
    for recipe in recipes {
      let noise = try #require(recipe["noise"]?.real)
      let least = try #require(recipe["noiseOfBudget"]?.real)
      #expect(least <= noise * (1 + 1e-12))
    }
    #expect(try #require(json["budgets"]?.array).count > 3)
  }

  @Test(arguments: [
    (["--target-bpw", "0"], "above 0"), (["--target-bpw", "33"], "at most 32"),
    (["--target-bpw", "nan"], "above 0"),
    (["--target-bpw", "4", "--target-size", "1GB"], "exclude"),
    (["--target-size", "0"], "--target-size"), ([], "--target-bpw"),
    (["--explore", "--target-bpw", "4"], "--explore"), (["--explore", "--all"], "--explore"),
  ])
  func wrongUsageIsRefused(arguments: [String], word: String) throws {
    let result = try QuernProcess(["plan", model] + arguments).wait()
    #expect(result.code == 64)
    #expect(result.errors.contains(word), "\(result.errors)")
  }

  @Test func whatCannotBeReachedIsBadData() throws {
    let result = try QuernProcess(["plan", model, "--target-bpw", "2"]).wait()
    #expect(result.code == 65)
    #expect(result.errors.contains("found 2.0 bits per weight, expected at least "))
  }
}

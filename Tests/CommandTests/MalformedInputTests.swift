import Foundation
import QuernContainers
import QuernTestSupport
import Testing

/// A case of `testdata/malformed/manifest.json`.
struct MalformedCase: Decodable, CustomTestStringConvertible, Sendable {
  let id: String
  let path: String
  let kind: String
  let expect: String
  let names: [String]

  var testDescription: String { id }

  static let all: [MalformedCase] = {
    guard let data = try? Data(contentsOf: TestData.url("malformed/manifest.json")) else {
      return []
    }
    return (try? JSONDecoder().decode([MalformedCase].self, from: data)) ?? []
  }()
}

@Suite struct MalformedInputTests {
  @Test func theManifestIsThere() { #expect(MalformedCase.all.count == 140) }

  @Test(arguments: MalformedCase.all) func behavesAsTheManifestSays(_ input: MalformedCase) throws {
    let (result, names) = try run(input, recipe: "q8_0")
    let isFile = ["safetensors", "gguf"].contains(input.kind)
    if input.expect == "reject" || input.expect == "either" && result.code != 0 {
      #expect([65, 66].contains(result.code), "\(result.errors)")
      #expect(names.isEmpty)
      #expect(result.errors.hasPrefix("quern: "))
      #expect(result.errors.utf8.count < 4000)
    } else {
      #expect(result.code == 0, "\(result.errors)")
      #expect(names == (isFile ? [] : ["out.gguf", "out.gguf.certificate.json"]))
    }
    guard input.expect != "either" else { return }
    for name in input.names { #expect(result.errors.contains(name), "\(result.errors)") }
  }

  /// No F16 scale holds the largest BF16 values; nothing is wrong with them as they are.
  @Test func theSourceRecipeTakesTheLargestValues() throws {
    let input = try #require(MalformedCase.all.first { $0.id == "tensor-max" })
    #expect(try run(input, recipe: "q8_0").0.code == 65)
    #expect(try run(input, recipe: "source").0.code == 0)
  }

  /// Runs twice where the machine was slow: the claim is about the program.
  private func run(_ input: MalformedCase, recipe: String) throws -> (
    QuernProcess.Result, names: [String]
  ) {
    let path = TestData.url("malformed/\(input.path)").path
    let arguments =
      ["safetensors", "gguf"].contains(input.kind)
      ? ["inspect", path]
      : ["convert", path, "--to", "gguf", "--recipe", recipe, "-o", "out.gguf"]
    var shortest = Double.infinity
    for _ in 0..<3 {
      let scratch = try Scratch()
      let start = Date()
      let result = try QuernProcess(arguments, in: scratch.url).wait()
      shortest = min(shortest, Date().timeIntervalSince(start))
      if shortest < 2 { return (result, scratch.names) }
    }
    Issue.record("took \(shortest) s")
    throw CancellationError()
  }
}

import Foundation
import Quern
import QuernContainers
import QuernTestSupport
import Testing

/// `quern logits` and `quern parity` as a user runs them.
@Suite struct ForwardCommandTests {
  private static let stories = TestData.url("stories260K/f32").path

  private static func converted(_ recipe: String, in scratch: Scratch) throws -> String {
    let path = scratch.path("\(recipe).gguf")
    let made = try QuernProcess.run("convert", stories, "--recipe", recipe, "-o", path, "-q")
    #expect(made.code == 0, "\(made.errors)")
    return path
  }

  @Test func logitsAreWrittenOnceAndReplacedOnDemand() throws {
    let scratch = try Scratch()
    let tokens = scratch.path("tokens.json")
    try "[1, 2, 3, 4]".write(toFile: tokens, atomically: true, encoding: .utf8)
    let out = scratch.path("out.safetensors")
    let arguments = ["logits", Self.stories, "--tokens", tokens, "-o", out]
    let first = try QuernProcess(arguments).wait()
    #expect(first.code == 0 && first.output.contains("logits of 4 tokens"), "\(first.errors)")
    let file = try SafetensorsFile(path: out)
    #expect(file.tensors.map(\.shape.dimensions) == [[4, 512]])
    let second = try QuernProcess(arguments).wait()
    #expect(second.code == 73)
    #expect(try QuernProcess(arguments + ["--overwrite"]).wait().code == 0)
  }

  @Test func parityPrintsAndKeepsTheSameDocument() throws {
    let scratch = try Scratch()
    let output = try Self.converted("q8_0", in: scratch)
    let file = scratch.path("parity.json")
    let run = try QuernProcess.run(
      "parity", output, "--against", Self.stories, "--ctx", "64", "--chunks", "4", "--json",
      "-o", file)
    #expect(run.code == 0, "\(run.errors)")
    #expect(try String(contentsOfFile: file, encoding: .utf8) == run.output)
    let json = try run.json()
    #expect(json["format"]?.string == "quern-parity")
    #expect(json.value(atPath: "tokens.source")?.string == "built-in text")
    #expect(json.value(atPath: "tokens.scored")?.integer == 4 * 31)
    #expect((json.value(atPath: "result.kl.mean")?.real ?? 1) < 0.01)
    #expect(json["layers"]?.array?.count == 5)
  }

  @Test func aDivergenceAboveTheLimitExitsWithOne() throws {
    let scratch = try Scratch()
    let output = try Self.converted("q4_0", in: scratch)
    let arguments = ["parity", output, "--against", Self.stories, "--chunks", "1", "-q"]
    let failed = try QuernProcess(arguments + ["--max-kl", "1e-9"]).wait()
    #expect(failed.code == 1 && failed.errors.contains("above 1e-09"), "\(failed.errors)")
    #expect(try QuernProcess(arguments + ["--max-kl", "10"]).wait().code == 0)
  }

  @Test func whatCannotBeRunSaysSo() throws {
    let scratch = try Scratch()
    try "".write(toFile: scratch.path("empty.txt"), atomically: true, encoding: .utf8)
    let empty = try QuernProcess.run(
      "parity", Self.stories, "--against", Self.stories, "--text", scratch.path("empty.txt"))
    #expect(empty.code == 65 && empty.errors.contains("found an empty text"), "\(empty.errors)")
    let missing = try QuernProcess.run(
      "logits", Self.stories, "--tokens", scratch.path("none.json"), "-o", scratch.path("o"))
    #expect(missing.code == 66)
    let both = try QuernProcess.run(
      "parity", Self.stories, "--against", Self.stories, "--text", "a", "--tokens", "b")
    #expect(both.code == 64)
  }
}

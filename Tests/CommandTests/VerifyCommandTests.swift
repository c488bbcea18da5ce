import Foundation
import QuernContainers
import QuernTestSupport
import Testing

@Suite struct VerifyCommandTests {
  private let model = TestData.url("stories260K/f32").path
  private let scratch: Scratch

  init() throws {
    scratch = try Scratch()
    let result = try QuernProcess.run(
      "convert", model, "--recipe", "q8_0", "-o", "out.gguf", in: scratch)
    try #require(result.code == 0, "\(result.errors)")
  }

  @Test func whatWasConvertedPasses() throws {
    for options in [[], ["--against", model]] {
      let result = try QuernProcess(["verify", "out.gguf"] + options, in: scratch.url).wait()
      #expect(result.code == 0, "\(result.errors)\(result.output)")
      #expect(result.output.contains("passed"))
    }
  }

  @Test func aFlippedBitIsNamedByItsTensor() throws {
    let plan = try QuernProcess.run("inspect", "out.gguf", "--json", in: scratch).json()
    let last = try #require(plan["tensors"]?.array?.last?.object?["name"]?.string)
    var bytes = try scratch.contents(of: "out.gguf")
    bytes[bytes.count - 40] ^= 1
    try bytes.write(to: scratch.url.appending(path: "out.gguf"))
    for options in [[], ["--against", model]] {
      let result = try QuernProcess(["verify", "out.gguf"] + options, in: scratch.url).wait()
      #expect(result.code == 1)
      #expect(result.errors.contains(last), "\(result.errors)")
      #expect(result.output.contains("FAILED"))
    }
    let report = try QuernProcess.run("verify", "out.gguf", "--json", in: scratch)
    #expect(report.code == 1)
    #expect(try report.json()["passed"]?.bool == false)
  }

  @Test func whatCannotBeReadIsNoVerdict() throws {
    try scratch.write("GGUF, but no more", to: "broken.gguf")
    for (arguments, code) in [
      (["verify", "none.gguf"], 66), (["verify", "out.gguf", "--against", "none"], 66),
      (["verify", "broken.gguf"], 65), (["verify"], 64),
    ] as [([String], Int32)] {
      let result = try QuernProcess(arguments, in: scratch.url).wait()
      #expect(result.code == code, "\(result.errors)")
      #expect(result.output.isEmpty)
    }
  }
}

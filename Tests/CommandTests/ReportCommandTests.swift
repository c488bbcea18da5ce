import Foundation
import QuernTestSupport
import Testing

@Suite struct ReportCommandTests {
  private let scratch: Scratch
  private let parity = TestData.url("parity/decoded.json").path

  init() throws { scratch = try Scratch() }

  private func run(_ arguments: String...) throws -> QuernProcess.Result {
    try QuernProcess(["report"] + arguments, in: scratch.url).wait()
  }

  @Test func aPageIsMadeOfWhatConvertWrote() throws {
    let model = TestData.url("stories260K/f32").path
    let made = try QuernProcess.run(
      "convert", model, "--recipe", "q8_0", "-o", "out.gguf", in: scratch)
    try #require(made.code == 0, "\(made.errors)")
    let result = try run("out.gguf", parity, "-o", "report.html")
    #expect(result.code == 0, "\(result.errors)")
    #expect(result.output == "report.html: out\n")
    let page = try String(decoding: scratch.contents(of: "report.html"), as: UTF8.self)
    #expect(page.hasPrefix("<!DOCTYPE html>") && page.contains("Bits per weight"))
    #expect(scratch.names.filter { $0.contains("partial") }.isEmpty)
  }

  @Test func thePageIsTheSameInEveryProcess() throws {
    let model = TestData.url("tiny-v4/upstream").path
    let made = try QuernProcess.run(
      "convert", model, "--recipe", "q4_0", "-o", "out.gguf", in: scratch)
    try #require(made.code == 0, "\(made.errors)")
    for name in ["a", "b", "c"] {
      #expect(try run("out.gguf", parity, "-o", "\(name).html").code == 0)
    }
    let first = try scratch.contents(of: "a.html")
    #expect(try scratch.contents(of: "b.html") == first)
    #expect(try scratch.contents(of: "c.html") == first)
  }

  @Test func aPageThatExistsIsKept() throws {
    try scratch.write("mine", to: "report.html")
    let kept = try run(parity, "-o", "report.html")
    #expect(kept.code == 73 && kept.errors.contains("--overwrite"))
    #expect(try scratch.contents(of: "report.html") == Data("mine".utf8))
    #expect(try run(parity, "-o", "report.html", "--overwrite").code == 0)
    #expect(try scratch.contents(of: "report.html") != Data("mine".utf8))
  }

  @Test func anInputIsNeverReplaced() throws {
    try FileManager.default.copyItem(atPath: parity, toPath: scratch.path("p.json"))
    let before = try scratch.contents(of: "p.json")
    #expect(try run("p.json", "-o", "p.json", "--overwrite").code == 73)
    #expect(try scratch.contents(of: "p.json") == before)
  }

  @Test func failuresHaveTheirCodesAndLeaveNothing() throws {
    try scratch.write("{}", to: "empty.json")
    try Scratch.makeFolder(scratch.path("folder"))
    for (arguments, code) in [
      (["none.json", "-o", "r.html"], 66), (["none.gguf", "-o", "r.html"], 66),
      (["folder", "-o", "r.html"], 66), (["empty.json", "-o", "r.html"], 65),
      ([parity, "-o", "no/r.html"], 73), ([parity, "-o", "folder", "--overwrite"], 73),
      ([parity], 64), (["-o", "r.html"], 64),
      (Array(repeating: parity, count: 25) + ["-o", "r.html"], 64),
    ] as [([String], Int32)] {
      let result = try QuernProcess(["report"] + arguments, in: scratch.url).wait()
      #expect(result.code == code, "\(arguments) \(result.errors)")
      #expect(result.output.isEmpty)
    }
    #expect(scratch.names == ["empty.json", "folder"])
  }
}

import Foundation
import QuernContainers
import QuernTestSupport
import Testing

@Suite struct ConvertCommandTests {
  private let model = TestData.url("stories260K/f32").path
  private let made = ["out.gguf", "out.gguf.certificate.json"]

  @Test func aSummarySaysWhatItCostAndWhatToDoNext() throws {
    let scratch = try Scratch()
    let result = try QuernProcess.run(
      "convert", model, "--to", "gguf", "--recipe", "q4_0", "-o", "out.gguf", in: scratch)
    #expect(result.code == 0, "\(result.errors)")
    #expect(scratch.names == made)
    for text in [
      "exact", "bounded", "measured", " dB", "bits per weight", "out.gguf.certificate.json",
      "Next: quern verify out.gguf --against \(model)",
    ] { #expect(result.output.contains(text), "\(text) in \(result.output)") }
    #expect(!result.output.contains("\u{1b}"))
  }

  @Test func theFilesAreAsLongAsThePlanSaid() throws {
    let scratch = try Scratch()
    let upstream = TestData.url("tiny-v4/upstream").path
    let choices = ["--recipe", "q8_0", "-o", "out.gguf", "--split-max-size", "2MB", "--json"]
    let plan = try QuernProcess(["plan", upstream] + choices, in: scratch.url).wait().json()
    let result = try QuernProcess(["convert", upstream] + choices, in: scratch.url).wait()
    let files = try #require(plan["files"]?.array)
    #expect(files.count > 2)
    for file in files {
      let name = try #require(file.object?["name"]?.string)
      #expect(try scratch.contents(of: name).count == file.object?["bytes"]?.integer)
    }
    #expect(try result.json()["plan"] == plan["plan"])
    #expect(scratch.names.count == files.count + 1)
  }

  @Test func quietMeansNothingButWarnings() throws {
    let scratch = try Scratch()
    let result = try QuernProcess.run(
      "convert", model, "--recipe", "q8_0", "-o", "out.gguf", "-q", in: scratch)
    #expect(result.code == 0)
    #expect(result.output.isEmpty)
    #expect(result.errors.split(separator: "\n").allSatisfy { $0.hasPrefix("quern: warning: ") })
  }

  @Test func anOutputThatExistsIsReplacedOnRequestOnly() throws {
    let scratch = try Scratch()
    try scratch.write("mine", to: "out.gguf")
    let line = ["convert", model, "--recipe", "q8_0", "-o", "out.gguf"]
    #expect(try QuernProcess(line, in: scratch.url).wait().code == 73)
    #expect(try scratch.contents(of: "out.gguf").count == 4)
    #expect(try QuernProcess(line + ["--overwrite"], in: scratch.url).wait().code == 0)
    #expect(try scratch.contents(of: "out.gguf").count > 4)
    #expect(scratch.names == made)
  }

  @Test func aLeftoverIsRemovedOnRequestOnly() throws {
    let scratch = try Scratch()
    try scratch.write("half", to: "out.gguf.quern-partial")
    let line = ["convert", model, "--recipe", "q8_0", "-o", "out.gguf"]
    let refused = try QuernProcess(line, in: scratch.url).wait()
    #expect(refused.code == 73)
    #expect(refused.errors.contains("--restart"))
    #expect(scratch.names == ["out.gguf.quern-partial"])
    #expect(try QuernProcess(line + ["--restart"], in: scratch.url).wait().code == 0)
    #expect(scratch.names == made)
  }

  @Test func anOutputInTheMakingIsLeftAlone() throws {
    let scratch = try Scratch()
    try scratch.write("half", to: "out.gguf.quern-partial")
    let descriptor = open(scratch.path("out.gguf.quern-partial"), O_RDWR | O_CLOEXEC)
    #expect(flock(descriptor, LOCK_EX | LOCK_NB) == 0)
    defer { close(descriptor) }
    let result = try QuernProcess.run(
      "convert", model, "--recipe", "q8_0", "-o", "out.gguf", "--restart", in: scratch)
    #expect(result.code == 75)
    #expect(try scratch.contents(of: "out.gguf.quern-partial").count == 4)
  }

  @Test func aLimitOnFilesLeavesNothingBehind() throws {
    let scratch = try Scratch()
    let result = try QuernProcess.shell(
      "ulimit -f 100; cd \"$2\"; exec \"$0\" convert \"$1\" --recipe q8_0 -o out.gguf", model,
      scratch.url.path)
    #expect(result.code == 74, "\(result.errors)")
    #expect(result.errors.contains("out.gguf"))
    #expect(scratch.names.isEmpty)
  }

  @Test(arguments: zip([SIGINT, SIGTERM, SIGHUP], [130, 143, 129] as [Int32]))
  func aSignalLeavesNothingBehind(_ signal: Int32, _ code: Int32) throws {
    let scratch = try Scratch()
    let source = try LargeCheckpoint()
    let line = ["convert", source.path, "--recipe", "q8_0", "-o", "out.gguf", "--threads", "1"]
    let process = try QuernProcess(line, in: scratch.url)
    while process.isRunning, !scratch.names.contains("out.gguf.quern-partial") { usleep(500) }
    process.send(signal)
    let result = try process.wait()
    #expect(result.code == code, "\(result.errors)")
    #expect(result.errors.contains("interrupted"))
    #expect(scratch.names.isEmpty)
  }
}

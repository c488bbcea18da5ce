import QuernContainers
import QuernTestSupport
import Testing

@testable import QuernModels

@Suite struct CalibrationRefusalTests {
  private func refusal(_ body: () throws -> Void) -> CalibrationFailure? {
    do { try body() } catch { return error as? CalibrationFailure }
    return nil
  }

  @Test func moreBytesThanAllowedAreRefusedBeforeAnythingRuns() throws {
    var options = CalibrationOptions(kinds: [.hessians])
    options.maximumByteCount = 1 << 20
    let calibrating = try Calibrating("families/qwen3-moe", options: options)
    let failure = refusal { try calibrating.collect(try Calibrating.chunks("qwen3-moe")) }
    guard case .cannotCreate(_, let reason, let advice) = failure else {
      Issue.record("\(failure.map { "\($0)" } ?? "no failure")")
      return
    }
    #expect(reason.contains("\(calibrating.run.plan.diskByteCount) bytes"))
    #expect(reason.contains("1048576 are allowed") && advice.contains("--max-disk"))
    #expect(try calibrating.folder.names().isEmpty)
  }

  @Test(arguments: ["c.safetensors", "c.imatrix.gguf"])
  func whatExistsIsKeptUnlessItMayBeReplaced(_ name: String) throws {
    let calibrating = try Calibrating("families/qwen3")
    let chunks = try Calibrating.chunks("qwen3")
    _ = try calibrating.folder.write(name, [1])
    guard case .cannotCreate(let path, _, _)? = refusal({ try calibrating.collect(chunks) }) else {
      Issue.record("not refused")
      return
    }
    #expect(path == calibrating.folder.path(name))
    #expect(try calibrating.folder.names() == [name])
    try calibrating.collect(chunks, overwrite: true)
    #expect(try calibrating.folder.names() == ["c.imatrix.gguf", "c.safetensors"])
  }

  @Test(arguments: ["c.safetensors", "c.imatrix.gguf", "c.squares"])
  func leftoversAreRefusedUnlessTheyMayBeReplaced(_ name: String) throws {
    let calibrating = try Calibrating("families/qwen3")
    let chunks = try Calibrating.chunks("qwen3")
    let partial = name + ".quern-partial"
    _ = try calibrating.folder.write(partial, [1])
    #expect(refusal { try calibrating.collect(chunks) } != nil)
    #expect(try calibrating.folder.names() == [partial])
    try calibrating.collect(chunks, overwrite: true)
    #expect(try calibrating.folder.names() == ["c.imatrix.gguf", "c.safetensors"])
  }

  @Test func filesThatAnotherWritesAreBusy() throws {
    let calibrating = try Calibrating("families/qwen3")
    let other = try OutputFile(
      creating: calibrating.folder.path("c.squares.quern-partial"), durable: false)
    let failure = refusal {
      try calibrating.collect(try Calibrating.chunks("qwen3"), overwrite: true)
    }
    guard case .busy? = failure else {
      Issue.record("\(failure.map { "\($0)" } ?? "no failure")")
      return
    }
    try other.abandon()
  }

  @Test(arguments: [([512], "token 0"), ([], "tokens")] as [([UInt32], String)])
  func tokensThatTheModelDoesNotTakeAreRefused(_ tokens: [UInt32], _ field: String) throws {
    let calibrating = try Calibrating("families/qwen3")
    let chunks = TokenChunks(tokens, length: 8, beginning: nil)
    guard case .model(.data(let problem))? = refusal({ try calibrating.collect(chunks) }) else {
      Issue.record("not refused")
      return
    }
    #expect(problem.field == field && problem.file == "text")
    #expect(try calibrating.folder.names().isEmpty)
  }

  @Test func anInterruptedRunLeavesNothing() throws {
    let calibrating = try Calibrating("families/qwen3")
    let control = RunControl()
    let run = try CalibrationRun(
      try .open(TestData.url("families/qwen3").path, environment: [:]),
      options: CalibrationOptions(), workers: Workers(count: 2, control: control))
    control.interrupt()
    let chunks = try Calibrating.chunks("qwen3")
    let failure = refusal {
      _ = try run.collect(
        chunks, dataset: "text", into: calibrating.output, overwrite: false)
    }
    guard case .model(.interrupted)? = failure else {
      Issue.record("\(failure.map { "\($0)" } ?? "no failure")")
      return
    }
    #expect(try calibrating.folder.names().isEmpty)
  }
}

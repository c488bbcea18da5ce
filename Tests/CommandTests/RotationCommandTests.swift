import Foundation
import QuernContainers
import QuernTestSupport
import Testing

@Suite struct RotationCommandTests {
  private let model = TestData.url("tiny-v4/upstream").path

  @Test func aRotatedFolderIsPlannedWrittenAndVerified() throws {
    let scratch = try Scratch()
    let arguments = [model, "--to", "ascend", "--recipe", "w8a8", "--rotate", "-o", "out"]
    let planned = try QuernProcess(["plan"] + arguments, in: scratch.url).wait()
    #expect(planned.code == 0, "\(planned.errors)")
    #expect(planned.errors.contains("--rotate mixes the values of 168 FP4 tensors"))
    #expect(planned.output.contains("SQNR without") && planned.output.contains("exact"))
    let converted = try QuernProcess(["convert"] + arguments, in: scratch.url).wait()
    #expect(converted.code == 0, "\(converted.errors)")
    let verified = try QuernProcess.run("verify", "out", "--against", model, in: scratch)
    #expect(verified.code == 0, "\(verified.output)\(verified.errors)")
  }

  @Test func thePlanSaysInJSONWhatARotationDoes() throws {
    let plan = try QuernProcess.run(
      "plan", model, "--to", "ascend", "--recipe", "w4a8", "--rotate", "--json"
    ).json()
    let rows = try #require(plan["rotation"]?.array).compactMap(\.object)
    let experts = try #require(rows.first { $0["role"]?.string == "routed-expert" })
    #expect(experts["type"]?.string == "w4a8_dynamic" && experts["sampledRows"]?.integer == 128)
    let (without, with) = (
      try #require(experts["sqnrWithout"]?.real), try #require(experts["sqnrWith"]?.real)
    )
    #expect(with > 15 && without > with)
    let plain = try QuernProcess.run(
      "plan", model, "--to", "ascend", "--recipe", "w4a8", "--json"
    ).json()
    #expect(plain["rotation"] == nil)
  }

  @Test func aRotationOfGGUFIsAUsageError() throws {
    let result = try QuernProcess.run("plan", model, "--recipe", "q8_0", "--rotate")
    #expect(result.code == 64 && result.errors.contains("--rotate is for --to ascend"))
  }
}

import QuernConversion
import QuernTestSupport
import QuernVerification
import Testing

struct GPTQVerificationTests {
  @Test func anOutputVerifiesWithoutItsStatistics() throws {
    let folder = try TemporaryFolder()
    var builder = CalibrationBuilder()
    for layer in 0..<5 { builder.add("blk.\(layer).attn_q.weight", widths: [64]) }
    let path = try builder.write(to: folder)
    let checkpoint = try Model.stories.open()
    let plan = try ConversionPlan(
      .gguf,
      of:
        checkpoint, recipe: .only("*attn_q*", "q4_0", method: "gptq"), options: .init(),
      calibration: Calibration(path: path), outputName: "out")
    let output = folder.path("out.gguf")
    _ = try Conversion(plan, outputPath: output, threadCount: 2).run()
    let report = try Verification.run(output: output, against: checkpoint)
    #expect(report.failures.isEmpty)
  }
}

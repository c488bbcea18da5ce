import Foundation
import QuernTestSupport
import QuernVerification
import Testing

/// Folders that vllm-ascend could not load, or would load wrongly, with nothing but the checkpoint to
/// tell.
@Suite struct RuntimeCorruptionTests {
  @Test(arguments: ["w4a8", "w8a8"], RuntimeCorruption.all.indices)
  func isSeenWithoutACertificate(_ recipe: String, _ index: Int) throws {
    let corruption = RuntimeCorruption.all[index]
    if corruption.isOfFour, recipe != "w4a8" { return }
    let output = try ConvertedFolder(.upstream, recipe).withoutCertificate()
    var files = try RuntimeFiles(output.path)
    try corruption.change(&files)
    if corruption.name != "a shard cut" { try files.write() }
    let report = try output.verify()
    #expect(!report.isPassed, "\(corruption.name)")
    #expect(
      report.failures.contains {
        ($0.tensor ?? "").contains(corruption.place) || $0.file.hasSuffix(corruption.place)
      }, "\(corruption.name): \(report.failures.prefix(3))")
  }

  @Test func theSameFilesWrittenAgainPass() throws {
    let output = try ConvertedFolder(.upstream, "w4a8").withoutCertificate()
    try RuntimeFiles(output.path).write()
    #expect(try output.verify().failures == [])
  }

  @Test func aNegatedRowIsNamed() throws {
    let output = try ConvertedFolder(.upstream, "w8a8").withoutCertificate()
    var files = try RuntimeFiles(output.path)
    files.each("layers.0.attn.wkv.weight") { tensor in
      let columns = tensor.shape[1]
      for index in 9 * columns..<10 * columns { tensor.bytes[index] = 0 &- tensor.bytes[index] }
    }
    try files.write()
    let failures = try output.verify().failures
    #expect(failures.first?.tensor == "layers.0.attn.wkv.weight")
    #expect(failures.first?.what == "row 9, relative error")
    // The difference between values and their negatives is twice the values.
    #expect(failures.first.flatMap { Double($0.found) }.map { abs($0 - 2) < 0.01 } ?? false)
  }
}

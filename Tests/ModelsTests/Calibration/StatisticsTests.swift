import Foundation
import QuernContainers
import QuernTensors
import QuernTestSupport
import Testing

@testable import QuernModels

@Suite struct StatisticsTests {
  private static let everything = CalibrationOptions(
    kinds: [.imatrix, .ranges, .hessians], hessianBlock: 256, minimumTokens: 70)

  private static func collected(threads: Int = 2, _ options: CalibrationOptions = everything)
    throws -> Calibrating
  {
    let calibrating = try Calibrating("families/qwen3-moe", threads: threads, options: options)
    try calibrating.collect(try Calibrating.chunks("qwen3-moe"))
    return calibrating
  }

  @Test(arguments: ["attn_q", "attn_output", "ffn_gate_exps", "ffn_down_exps"])
  func statisticsAreThoseOfTransformers(_ name: String) throws {
    let file = try Self.collected().statistics()
    let reference = try ReferenceTensors("calibration/qwen3-moe.safetensors")
    let counts = try reference.integers("\(name).counts")
    let entry = try #require(file.entries[TensorName("blk.1.\(name).weight")])
    let range = try reference.floats("\(name).range")
    let found = try #require(entry.range)
    #expect(largestDeviation([found.lowerBound, found.upperBound], range) < 1e-4)
    let maxima = try reference.floats("\(name).maxima")
    let means = try reference.floats("\(name).means")
    let gram = try reference.floats("\(name).gram")
    let width = maxima.count / entry.counts.count
    #expect(entry.widths == [width])
    // Experts that saw fewer than 70 rows have no matrices; gates share theirs.
    #expect(
      entry.counts
        == (name == "ffn_down_exps" ? counts.map { $0 < 70 ? 0 : $0 } : [counts.reduce(0, +)]))
    for expert in entry.counts.indices {
      let run = expert * width..<(expert + 1) * width
      let mine = try #require(try file.read(.maxima, of: entry, expert: expert))
      #expect(largestDeviation(mine, maxima[run]) < 1e-4)
      let mean = try #require(try file.read(.means, of: entry, expert: expert))
      #expect(largestDeviation(mean, means[run]) < 1e-4)
      let matrix = try file.matrix(entry, expert: expert)
      let wanted = Array(gram[expert * width * width..<(expert + 1) * width * width])
      if entry.counts[expert] > 0 {
        #expect(relativeError(matrix, wanted) < 1e-5)
      } else {
        #expect(matrix.allSatisfy { $0 == 0 })
      }
    }
  }

  @Test func weightsWithTheSameInputsShareTheirStatistics() throws {
    let file = try Self.collected().statistics()
    for (name, owner) in [
      ("attn_k", "attn_q"), ("attn_v", "attn_q"), ("ffn_up_exps", "ffn_gate_exps"),
    ] {
      let entry = try #require(file.entries[TensorName("blk.0.\(name).weight")])
      #expect(entry.owner == TensorName("blk.0.\(owner).weight"))
    }
    // A router is never stored in few bits.
    #expect(file.entries["blk.0.ffn_gate_inp.weight"]?.widths == [])
    #expect(file.tokenCount == 160 && file.modelName == "qwen3-moe")
  }

  /// Singular sums would make rounding fit the text alone.
  @Test func anExpertNeedsAsManyRowsAsABlockHasColumns() throws {
    var options = Self.everything
    options.minimumTokens = 0
    let file = try Self.collected(options).statistics()
    let down = try #require(file.entries["blk.1.ffn_down_exps.weight"])
    #expect(down.counts == [83, 0, 0, 0, 75, 0, 0, 0])
    options.kinds = [.ranges]
    let ranges = try Self.collected(options).statistics()
    #expect(
      ranges.entries["blk.1.ffn_down_exps.weight"]?.counts == [83, 62, 51, 57, 75, 44, 54, 54])
  }

  @Test func theBytesDoNotDependOnThreads() throws {
    let one = try Self.collected(threads: 1)
    let three = try Self.collected(threads: 3)
    for suffix in [".safetensors", ".imatrix.gguf"] {
      let bytes = try Data(contentsOf: URL(filePath: one.folder.path("c" + suffix)))
      #expect(try Data(contentsOf: URL(filePath: three.folder.path("c" + suffix))) == bytes)
    }
  }

  @Test func widerInputsHaveABlockForEachRun() throws {
    var options = Self.everything
    options.kinds = [.hessians]
    let calibrating = try Calibrating("stories4M/bf16", options: options)
    try calibrating.collect(TokenChunks(Array(1...64), length: 16, beginning: nil))
    let file = try calibrating.statistics()
    let down = try #require(file.entries["blk.0.ffn_down.weight"])
    #expect(down.widths.reduce(0, +) == down.columnCount && down.widths.count > 1)
    #expect(down.widths.allSatisfy { $0 == 256 })
    #expect(down.range == nil)
    #expect(try calibrating.folder.names() == ["c.safetensors"])
  }

  @Test func thePlanHoldsWhatIsWritten() throws {
    let calibrating = try Self.collected()
    let plan = calibrating.run.plan
    let result = try calibrating.collect(
      try Calibrating.chunks("qwen3-moe"), overwrite: true)
    #expect(result.files.map(\.path) == calibrating.output.paths)
    #expect(result.files[0].byteCount <= plan.statisticsByteCount)
    #expect(result.files[1].byteCount <= plan.imatrixByteCount)
    // No bound of twice the size: that would refuse what fits.
    #expect(2 * result.files[0].byteCount > plan.statisticsByteCount)
    #expect(result.expertLayers.map(\.layer) == ["0", "1", "2"])
    #expect(result.expertLayers[1].counts == [83, 62, 51, 57, 75, 44, 54, 54])
    #expect(result.expertLayers[1].thin(below: 52) == [2, 5])
    #expect(result.expertLayers[1].worst(2) == [5, 2])
    #expect(result.expertLayers[1].withoutMatrices == 6)
  }
}

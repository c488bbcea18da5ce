import Foundation
import QuernContainers
import QuernQuantization
import QuernTensors
import QuernTestSupport
import Testing

@testable import QuernCheckpoints
@testable import QuernConversion

struct ScaleSurveyTests {
  // MARK: Where FP8 times a power of two fits BF16

  private func values(_ type: ElementType) -> [Float] {
    (0...255).map { type == .f8e4m3 ? FP8Table.e4m3[$0] : FP8Table.e5m2[$0] }.filter(\.isFinite)
  }

  /// Every code times the scale, exactly, against BF16; the exact product has at most four bits, so
  /// float64 holds it.
  private func isExact(_ type: ElementType, exponent: Int) -> Bool {
    values(type).allSatisfy { value in
      let exact = Double(value) * Double(sign: .plus, exponent: exponent, significand: 1)
      return Double(BF16.decode(BF16.encode(Float(exact)))) == exact
        && (Float(exact) != 0 || exact == 0)
    }
  }

  @Test(arguments: [(ElementType.f8e4m3, -124...119), (.f8e5m2, -117...112)])
  func theLimitsAreThoseOfEveryCode(type: ElementType, limits: ClosedRange<Int>) {
    for exponent in -149...127 {
      #expect(isExact(type, exponent: exponent) == limits.contains(exponent), "2^\(exponent)")
    }
  }

  // MARK: What `source` chooses from the scales

  private func lossless(_ type: ElementType, scales: [Float]) throws -> NumberFormat {
    let folder = try TemporaryFolder()
    let opened = try checkpoint(type, scales: scales, folder)
    var planner = TensorPlanner(
      checkpoint: opened, survey: try ScaleSurvey(opened, pool: FilePool()),
      recipe: try Recipe.load("source", target: .gguf), importance: nil,
      model: .init(layerCount: 1, architecture: "llama", hasTiedHead: false))
    return try planner.plan(
      MappedTensor(
        name: "x.weight", role: .attention, shape: [160, 288],
        expression: .copy(SourceRows(tensor: 0, firstRow: 0, rowCount: 160)), isInteger: false,
        isDraft: false)
    ).format
  }

  /// A 160×288 matrix in blocks of 128×128: the last blocks are partial in both directions.
  private func checkpoint(_ type: ElementType, scales: [Float], _ folder: TemporaryFolder) throws
    -> Checkpoint
  {
    let path = try CheckpointBuilder(tensors: [
      .init("x.weight", type, [160, 288], [UInt8](repeating: 1, count: 160 * 288)),
      .init("x.weight_scale_inv", .f32, [2, 3], [UInt8](floats: scales)),
    ]).write("model", in: folder)
    return try Checkpoint.open(path, environment: [:])
  }

  private func power(_ exponent: Int) -> Float {
    Float(sign: .plus, exponent: exponent, significand: 1)
  }

  @Test func powersOfTwoWithinTheLimitsBecomeBF16() throws {
    let limits = [power(-124), power(119), 1, 0, power(-1), 2]
    #expect(try lossless(.f8e4m3, scales: limits) == .bf16)
    #expect(try lossless(.f8e5m2, scales: [power(-117), power(112), 1, 1, 1, 1]) == .bf16)
    #expect(try lossless(.f8e4m3, scales: [0, 0, 0, 0, 0, -0.0]) == .bf16)
  }

  @Test(arguments: [-125, 120, -149])
  func powersBeyondThemBecomeF32(exponent: Int) throws {
    #expect(try lossless(.f8e4m3, scales: [1, 1, 1, 1, 1, power(exponent)]) == .f32)
    let other = exponent < 0 ? -118 : 113
    #expect(try lossless(.f8e5m2, scales: [1, 1, 1, 1, 1, power(other)]) == .f32)
  }

  @Test func otherScalesBecomeF32AndNegativePowersAreStillExact() throws {
    #expect(try lossless(.f8e4m3, scales: [1, 1, 1, 1, 1, 1.5]) == .f32)
    #expect(try lossless(.f8e4m3, scales: [1, 1, 1, 1, 1, 0.1]) == .f32)
    #expect(try lossless(.f8e4m3, scales: [1, 1, 1, 1, 1, -2]) == .bf16)
  }

  @Test(arguments: [Float.nan, .infinity, -.infinity])
  func aScaleThatIsNotFiniteIsNamedWithItsElement(scale: Float) throws {
    let folder = try TemporaryFolder()
    let opened = try checkpoint(.f8e4m3, scales: [1, 1, 1, 1, scale, 1], folder)
    let error = #expect(throws: CheckpointError.self) {
      try ScaleSurvey(opened, pool: FilePool())
    }
    let text = error?.description ?? ""
    #expect(text.contains("x.weight_scale_inv") && text.contains("element 4"))
  }

  @Test func e8m0ExtremesAreMeasuredAsExponents() {
    var spread = ScaleSurvey.Spread()
    for byte in [UInt8(0), 254, 127] { spread.add(E8M0.decode(byte)) }
    #expect(spread.isPowersOfTwo && spread.minimum == -127 && spread.maximum == 127)
    #expect(spread.isWithin(-127...127) && !spread.isWithin(-126...127))
    #expect(ScaleSurvey.Spread().isWithin(0...0))
  }

  @Test func theNaNScaleOfAnExpertIsFoundBeforeTheFirstByte() throws {
    let opened = try Checkpoint.open(
      TestData.url("malformed/quant/e8m0-nan").path, environment: [:])
    let error = #expect(throws: CheckpointError.self) {
      try ScaleSurvey(opened, pool: FilePool())
    }
    #expect(error?.description.contains("layers.0.attn.wo_b.scale") ?? false)
  }
}

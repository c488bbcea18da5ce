import Foundation
import QuernContainers
import QuernTensors
import QuernTestSupport
import Testing

@testable import QuernCheckpoints

struct ScalePairingTests {
  private func pairing(
    _ tensors: [(String, ElementType, [Int])], block: (rows: Int, columns: Int) = (128, 128)
  ) -> ScalePairing {
    let stored = tensors.enumerated().map { index, tensor in
      StoredTensor(
        name: TensorName(tensor.0), elementType: tensor.1, shape: Shape(tensor.2),
        file: index % 2, range: ByteRange(offset: 0, byteCount: 0))
    }
    return ScalePairing(stored: stored, files: ["one", "two"], blockShape: block)
  }

  @Test(arguments: [
    ([160, 288], 128, 128, [2, 3]), ([128, 128], 128, 128, [1, 1]), ([129, 1], 128, 128, [2, 1]),
    ([160, 288], 32, 32, [5, 9]), ([160, 288], 1, 288, [160, 1]),
    ([7, 7], 1 << 20, 1 << 20, [1, 1]),
    ([576, 256], 128, 64, [5, 4]),
  ])
  func blocksMayBePartialAtTheEnd(shape: [Int], rows: Int, columns: Int, scale: [Int]) throws {
    for (type, suffix) in [(ElementType.f8e8m0, "scale"), (.f32, "weight_scale_inv")] {
      let pair = pairing(
        [("x.weight", .f8e4m3, shape), ("x.\(suffix)", type, scale)], block: (rows, columns))
      #expect(pair.problems.isEmpty)
      let tensor = try #require(pair.tensors.first)
      #expect(
        tensor.encoding
          == .fp8(.f8e4m3, scale: type, blockRows: rows, blockColumns: columns))
      #expect(tensor.shape.dimensions == shape)
      #expect(tensor.scale?.file == 1 && tensor.codes.file == 0)
    }
  }

  @Test(arguments: [
    (ElementType.i8, [4, 32]), (.u8, [4, 32]), (.f4, [4, 64]),
  ])
  func packedFP4CountsBothNibbles(type: ElementType, stored: [Int]) throws {
    let pair = pairing([("x.scale", .f8e8m0, [4, 2]), ("x.weight", type, stored)])
    let tensor = try #require(pair.tensors.first)
    #expect(pair.problems.isEmpty && pair.tensors.count == 1)
    #expect(tensor.encoding == .fp4 && tensor.shape.dimensions == [4, 64])
    #expect(tensor.rowByteCount == 32 && tensor.scaleRowByteCount == 2)
  }

  @Test(arguments: [
    ("x.scale", ElementType.f8e8m0, [2, 2]), ("x.scale", .f8e8m0, [3, 2]),
    ("x.scale", .f8e8m0, [6]), ("x.scale", .f16, [2, 3]), ("x.scale", .bf16, [2, 3]),
    ("x.scale", .f8e4m3, [2, 3]), ("y.scale", .f8e8m0, [2, 3]), ("x.weight.scale", .f32, [2, 3]),
  ])
  func aScaleOfAnotherShapeTypeOrNameIsAProblem(name: String, type: ElementType, shape: [Int]) {
    let pair = pairing([("x.weight", .f8e4m3, [160, 288]), (name, type, shape)])
    #expect(!pair.problems.isEmpty)
  }

  @Test(arguments: [
    (ElementType.i8, [4, 24], ElementType.f8e8m0, [4, 1]), (.u8, [4, 32], .f8e8m0, [4, 4]),
    (.u8, [4, 32], .f8e4m3, [4, 4]), (.i8, [4, 32], .f32, [4, 2]), (.i8, [4, 32], .f32, [4, 1]),
    (.u8, [2, 4, 32], .f8e8m0, [2, 4, 2]), (.u8, [64], .f8e8m0, [4]),
    (.i8, [4, 1 << 62], .f8e8m0, [4, 1 << 58]),
  ])
  func whatIsNotGroupsOf32IsNotFP4(
    type: ElementType, shape: [Int], scaleType: ElementType, scale: [Int]
  ) {
    let pair = pairing([("x.weight", type, shape), ("x.scale", scaleType, scale)])
    #expect(pair.problems.count == 1 && pair.tensors.isEmpty)
  }

  @Test(arguments: [ElementType.f8e4m3, .f8e5m2, .i8, .u8, .f4])
  func codesWithoutAScaleAreAProblem(type: ElementType) {
    #expect(pairing([("x.weight", type, [128, 128])]).problems.count == 1)
    #expect(pairing([("experts.gate_up_proj", type, [128, 128])]).problems.count == 1)
  }

  @Test func aScaleWithoutItsWeightIsAProblemAndAPlainVectorIsNot() {
    #expect(pairing([("x.weight_scale_inv", .f32, [2])]).problems.count == 1)
    #expect(pairing([("x.scale", .f8e8m0, [2])]).problems.count == 1)
    #expect(pairing([("x.scale", .f32, [2, 2])]).problems.count == 1)
    #expect(pairing([("attn_hc.scale", .f32, [3])]).problems.isEmpty)
  }

  @Test func twoScalesForOneWeightAreAProblem() {
    let pair = pairing([
      ("x.weight", .f8e4m3, [128, 128]), ("x.scale", .f8e8m0, [1, 1]),
      ("x.weight_scale_inv", .f32, [1, 1]),
    ])
    #expect(pair.problems.count == 1)
  }

  @Test func aScaleBesideAPlainWeightStaysATensorOfItsOwn() {
    let pair = pairing([("x.weight", .bf16, [4, 4]), ("x.weight_scale_inv", .f32, [1, 1])])
    #expect(pair.tensors.map(\.name) == ["x.weight", "x.weight_scale_inv"])
  }

  @Test func integerTablesAndPlainFloatsNeedNoScale() {
    let types: [ElementType] = [.f32, .f16, .bf16, .i32, .i64]
    let pair = pairing(types.map { ("\($0).weight", $0, [2, 2]) })
    #expect(pair.problems.isEmpty)
    #expect(pair.tensors.map(\.encoding) == types.map(SourceEncoding.plain))
    #expect(
      pair.tensors.map(\.encoding.isFloatingPoint) == [true, true, true, false, false])
  }

  /// Every case of `testdata/malformed/quant`: what the manifest wants refused is a problem of the
  /// tensor it names, or of the config, before any byte of a tensor is read.
  @Test func malformedQuantizationsAreFoundInTheHeaders() throws {
    let bytes = [UInt8](try Data(contentsOf: TestData.url("malformed/manifest.json")))
    let cases = try #require(try JSONValue(parsing: bytes).array).compactMap(\.object)
      .filter { $0["kind"]?.string == "quant" }
    #expect(cases.count == 14)
    for entry in cases {
      let id = entry["id"]?.string ?? ""
      let text: String
      do {
        let opened = try Checkpoint.open(
          TestData.url("malformed/quant/\(id)").path, environment: [:])
        text = opened.problems.map(\.description).joined(separator: "\n")
      } catch { text = "\(error)" }
      // A NaN scale is in the data: the survey of a plan finds it.
      let isRefused = entry["expect"]?.string == "reject" && id != "e8m0-nan"
      #expect(text.isEmpty == !isRefused, "\(id): \(text)")
      for name in (entry["names"]?.array ?? []).compactMap(\.string) where isRefused {
        #expect(text.contains(name), "\(id): \(text)")
      }
    }
  }
}

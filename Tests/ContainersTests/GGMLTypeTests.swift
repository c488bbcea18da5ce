import QuernContainers
import QuernTensors
import Testing

struct GGMLTypeTests {
  @Test func theTableHasEveryNumberInUse() {
    let withdrawn: Set<UInt32> = [4, 5, 31, 32, 33, 36, 37, 38]
    #expect(GGMLType.all.map(\.id) == (0...42).filter { !withdrawn.contains($0) })
    for id in withdrawn { #expect(GGMLType.withID(id) == nil) }
    #expect(GGMLType.withID(43) == nil)
    #expect(GGMLType.named("Q8_0") == GGMLType.withID(8))
  }

  @Test(
    arguments: [
      (GGMLType.f32, [2, 3], 24), (.bf16, [], 2), (.q8_0, [2, 64], 136), (.q4_0, [32], 18),
      (.mxfp4, [3, 32], 51), (.q8_0, [5, 0], 0), (.q8_0, [33], nil), (.q8_0, [64, 1], nil),
      (.f32, [Int.max], nil), (.f32, [-1], nil), (.q8_0, [Int.max - 31], nil),
    ] as [(GGMLType, Shape, Int?)])
  func sizesAreWholeBlocksAndChecked(type: GGMLType, shape: Shape, byteCount: Int?) {
    #expect(type.checkedByteCount(of: shape) == byteCount)
  }
}

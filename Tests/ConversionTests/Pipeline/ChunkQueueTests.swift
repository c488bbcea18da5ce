import QuernContainers
import QuernTestSupport
import Synchronization
import Testing

@testable import QuernConversion

struct ChunkQueueTests {
  private func plan() throws -> ConversionPlan {
    try Converting.plan(testData: "tiny-v4/upstream", recipe: "q8_0")
  }

  @Test func everyChunkIsHandedOutOnceWithItsPlace() throws {
    let plan = try plan()
    let queue = ChunkQueue(plan)
    var counts = [Int](repeating: 0, count: plan.tensors.count)
    var index = 0
    while let chunk = queue.take() {
      #expect(chunk.index == index)
      #expect(chunk.chunk == counts[chunk.tensor])
      let file = try #require(plan.files.firstIndex { $0.tensors.contains(chunk.tensor) })
      let offsets = plan.files[file].offsets[chunk.tensor - plan.files[file].tensors.lowerBound]
      #expect(chunk.places.map(\.offset) == offsets)
      #expect(chunk.places.allSatisfy { $0.file == file })
      counts[chunk.tensor] += 1
      index += 1
    }
    #expect(counts == plan.tensors.map(\.grid.chunkCount))
    #expect(index == queue.count)
    #expect(queue.take() == nil)
  }

  @Test func threadsShareTheChunks() throws {
    let queue = ChunkQueue(try plan())
    let taken = Mutex<[Int]>([])
    Threads.run(7) { _ in
      while let chunk = queue.take() { taken.withLock { $0.append(chunk.index) } }
    }
    #expect(taken.withLock { $0.sorted() } == Array(0..<queue.count))
  }

  @Test func afterAnErrorNothingIsHandedOutAndTheFirstInPlanOrderIsKept() throws {
    let queue = ChunkQueue(try plan())
    for _ in 0..<10 { _ = queue.take() }
    queue.fail(.busy(path: "nine"), at: 9)
    queue.fail(.busy(path: "three"), at: 3)
    queue.fail(.busy(path: "five"), at: 5)
    #expect(queue.take() == nil)
    #expect(queue.firstError?.description.hasPrefix("three") ?? false)
  }
}

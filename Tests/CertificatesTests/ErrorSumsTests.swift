import CKernels
import QuernTestSupport
import Testing

@testable import QuernCertificates

struct ErrorSumsTests {
  @Test func lanesAreAddedByHalves() {
    // A tree that adds in another order loses the ones beside 2^53.
    var lanes = [Double](repeating: 0, count: 16)
    (lanes[0], lanes[1], lanes[8], lanes[9]) = (9_007_199_254_740_992, 1, 1, 1)
    let left = ((lanes[0] + lanes[8]) + 0) + 0
    let right = ((lanes[1] + lanes[9]) + 0) + 0
    #expect(ErrorSums.sum(ofLanes: lanes) == left + right)
    #expect(ErrorSums.sum(ofLanes: (0..<16).map(Double.init)) == 120)
  }

  @Test(arguments: [0, 1, 2, 3, 4, 5, 7, 8, 31, 100])
  func chunksAreAddedByHalvesAndAgreeWithANaiveSum(count: Int) {
    var generator = SeededGenerator(seed: UInt64(count))
    let chunks = (0..<count).map { _ in
      var sums = ErrorSums()
      sums.signal = Double(Int.random(in: 0...1000, using: &generator))
      sums.output = sums.signal * 2
      sums.noise = Double.random(in: 0...1, using: &generator)
      sums.maxAbsError = Double.random(in: 0...1, using: &generator)
      sums.unequalCount = Int.random(in: 0...9, using: &generator)
      sums.lostSignCount = Int.random(in: 0...9, using: &generator)
      return sums
    }
    let sum = ErrorSums.sum(ofChunks: chunks)
    #expect(sum.signal == chunks.reduce(0) { $0 + $1.signal })
    #expect(sum.output == chunks.reduce(0) { $0 + $1.output })
    #expect(abs(sum.noise - chunks.reduce(0) { $0 + $1.noise }) < 1e-12)
    #expect(sum.maxAbsError == chunks.map(\.maxAbsError).max() ?? 0)
    #expect(sum.unequalCount == chunks.reduce(0) { $0 + $1.unequalCount })
    #expect(sum.lostSignCount == chunks.reduce(0) { $0 + $1.lostSignCount })
    #expect(sum == recursive(chunks[...]))
  }

  /// The same tree, from its definition: the largest power of two below the count goes left.
  private func recursive(_ chunks: ArraySlice<ErrorSums>) -> ErrorSums {
    guard chunks.count > 1, let last = chunks.last else { return chunks.first ?? ErrorSums() }
    var half = 1
    while half * 2 < chunks.count { half *= 2 }
    guard half < chunks.count else { return last }
    return recursive(chunks.prefix(half)) + recursive(chunks.dropFirst(half))
  }

  @Test func aComparisonOfTheKernelsFillsAllSums() {
    var comparison = quern_comparison()
    withUnsafeMutableBytes(of: &comparison.signal) { $0.storeBytes(of: 3.0, as: Double.self) }
    withUnsafeMutableBytes(of: &comparison.output) { bytes in
      bytes.storeBytes(of: 2.0, toByteOffset: 8 * 15, as: Double.self)
    }
    comparison.max_abs_error = 0.5
    comparison.unequal = .max
    comparison.lost_signs = 4
    let sums = ErrorSums(comparison)
    #expect(sums.signal == 3 && sums.output == 2 && sums.noise == 0 && sums.maxAbsError == 0.5)
    #expect(sums.unequalCount == .max && sums.lostSignCount == 4)
  }

  @Test func figuresForDisplayNeedSignalAndNoise() {
    var sums = ErrorSums()
    #expect(sums.sqnrDecibels == nil && sums.relativeError == nil && sums.cosine == nil)
    (sums.signal, sums.output) = (100, 100)
    #expect(sums.sqnrDecibels == nil && sums.cosine == 1 && sums.relativeError == 0)
    (sums.noise, sums.output) = (0.1, 99.9)
    #expect(sums.sqnrDecibels == 30)
    #expect(sums.cosine.map { abs($0 - 0.9995) < 1e-6 } ?? false)
  }
}

import Testing

@testable import QuernConversion

struct AllocationSolverTests {
  typealias Choice = AllocationProblem.Choice

  @Test(arguments: 0..<60)
  func fewGroupsAreSolvedLikeByTryingAll(seed: UInt64) throws {
    var random = SplitMix(seed: seed)
    let groups = (0..<Int.random(in: 1...6, using: &random)).map { _ in
      (0..<Int.random(in: 1...5, using: &random)).map { _ in
        Choice(
          byteCount: Int.random(in: 0...40, using: &random),
          error: Double.random(in: 0...10, using: &random))
      }
    }
    let problem = AllocationProblem(groups)
    for limit in stride(from: 0, through: 240, by: 17) {
      let found = AllocationSolver(problem, limit: limit).solve()
      let least = AllocationOracle.tryingAll(groups, limit: limit)
      #expect((found == nil) == (least == nil))
      guard let found, let least else { continue }
      #expect(found.byteCount <= limit && found.error <= least / 0.998)
      // Sums of the same errors in another order.
      #expect(found.error >= least * (1 - 1e-12))
      #expect(found.bound <= least * (1 + 1e-12))
      #expect(found == problem.allocation(found.choices, bound: found.bound))
    }
  }

  @Test(arguments: 0..<16)
  func thirtyTensorsComeWithinTwoPercentOfTheOptimum(seed: UInt64) throws {
    let groups = Self.model(seed: seed, tensors: 30)
    let problem = AllocationProblem(groups)
    let largest = groups.reduce(0) { $0 + ($1.map(\.byteCount).max() ?? 0) }
    let table = AllocationOracle.table(groups, limit: largest)
    for percent in [27, 29, 32, 36, 42, 50, 60, 80] {
      let limit = largest * percent / 100
      let found = AllocationSolver(problem, limit: limit).solve()
      #expect((found == nil) == !table[limit].isFinite)
      guard let found else { continue }
      #expect(found.byteCount <= limit)
      #expect(found.error <= 1.002 * table[limit], "\(percent) % of the largest")
      #expect(found.bound <= table[limit] * (1 + 1e-12))
      #expect(found.bound >= 0.998 * found.error)
    }
  }

  /// The relaxation alone leaves a gap of one tensor, which counts when there is a large one.
  @Test func oneLargeTensorAmongSmallOnesIsWeighedAgainstAllOfThem() throws {
    let small = (0..<8).map { index in
      [Choice(byteCount: 10, error: 8 + Double(index)), Choice(byteCount: 20, error: 1)]
    }
    let groups = small + [[Choice(byteCount: 100, error: 90), Choice(byteCount: 180, error: 1)]]
    let found = try #require(AllocationSolver(AllocationProblem(groups), limit: 260).solve())
    let least = try #require(AllocationOracle.tryingAll(groups, limit: 260))
    #expect(abs(found.error - least) <= 1e-12 * least)
  }

  @Test func whatIsGivenToStartFromIsNeverMissed() throws {
    var random = SplitMix(seed: 7)
    let groups = Self.model(seed: 3, tensors: 40)
    let problem = AllocationProblem(groups)
    for _ in 0..<20 {
      let start = groups.map { Int.random(in: $0.indices, using: &random) }
      let allocation = problem.allocation(start)
      let found = try #require(
        AllocationSolver(problem, limit: allocation.byteCount).solve(starts: [start]))
      #expect(found.error <= allocation.error && found.byteCount <= allocation.byteCount)
    }
  }

  @Test func allFitsMeansNoErrorThatCouldBeAvoided() throws {
    let groups = Self.model(seed: 1, tensors: 12)
    let found = try #require(AllocationSolver(AllocationProblem(groups), limit: .max).solve())
    #expect(found.error == 0 && found.bound == 0)
    #expect(AllocationSolver(AllocationProblem([]), limit: 0).solve()?.choices == [])
    #expect(AllocationSolver(AllocationProblem(groups), limit: 0).solve() == nil)
    #expect(AllocationSolver(AllocationProblem(groups), limit: -1).solve() == nil)
  }

  @Test func aThousandGroupsAreSolvedToATenthOfAPercentAtOnce() throws {
    let problem = AllocationProblem(Self.model(seed: 5, tensors: 1500, unit: 100_000))
    let largest = problem.groups.reduce(0) { $0 + ($1.map(\.byteCount).max() ?? 0) }
    let clock = ContinuousClock()
    let start = clock.now
    for percent in [27, 30, 33, 40, 55] {
      let found = try #require(AllocationSolver(problem, limit: largest * percent / 100).solve())
      #expect(found.bound >= 0.998 * found.error)
    }
    // In an unoptimised build; released, each takes some milliseconds.
    #expect(clock.now - start < .seconds(20))
  }

  /// Tensors as models have them: few widths, formats by their bits, errors that fall by about 6 dB
  /// a bit with some luck.
  private static func model(seed: UInt64, tensors: Int, unit: Int = 1) -> [[Choice]] {
    // Bytes of 256 weights.
    let formats: [(Int, Double)] = [
      (136, 3.9), (144, 4.0), (160, 4.2), (176, 5), (192, 5.2), (210, 6), (272, 8), (512, 99),
    ]
    var random = SplitMix(seed: seed)
    return (0..<tensors).map { _ in
      let blocks = unit * [1, 2, 2, 3, 4, 6, 8, 16][Int.random(in: 0..<8, using: &random)]
      let power = Double(blocks) * Double.random(in: 0.05...4, using: &random)
      return formats.map { bytes, bits in
        var error = 0.0
        if bits < 99 {
          let quarter = Double(1 << (2 * Int(bits))) * (1 + 3 * (bits - bits.rounded(.down)))
          error = power / quarter * Double.random(in: 0.7...1.4, using: &random)
        }
        return Choice(byteCount: bytes * blocks, error: error)
      }
    }
  }
}

/// The least error, found in ways that share nothing with the solver.
enum AllocationOracle {
  typealias Choice = AllocationProblem.Choice

  /// Tries every combination; nil when none fits.
  static func tryingAll(_ groups: [[Choice]], limit: Int) -> Double? {
    guard let group = groups.first else { return limit >= 0 ? 0 : nil }
    return group.compactMap { choice in
      tryingAll(Array(groups.dropFirst()), limit: limit - choice.byteCount).map {
        $0 + choice.error
      }
    }.min()
  }

  /// For each number of bytes up to the limit the least error within it, by dynamic programming.
  static func table(_ groups: [[Choice]], limit: Int) -> [Double] {
    let unit = groups.joined().reduce(0) { divisor($0, $1.byteCount) }
    let count = limit / unit
    var least = [Double](repeating: 0, count: count + 1)
    for group in groups {
      var next = [Double](repeating: .infinity, count: count + 1)
      for choice in group {
        let step = choice.byteCount / unit
        guard step <= count else { continue }
        for size in step...count where least[size - step] + choice.error < next[size] {
          next[size] = least[size - step] + choice.error
        }
      }
      least = next
    }
    return (0...limit).map { least[$0 / unit] }
  }

  private static func divisor(_ a: Int, _ b: Int) -> Int { b == 0 ? a : divisor(b, a % b) }
}

struct SplitMix: RandomNumberGenerator {
  private var state: UInt64

  init(seed: UInt64) { state = seed }

  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var word = state
    word = (word ^ (word >> 30)) &* 0xBF58_476D_1CE4_E5B9
    word = (word ^ (word >> 27)) &* 0x94D0_49BB_1331_11EB
    return word ^ (word >> 31)
  }
}

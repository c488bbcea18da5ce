import QuernQuantization
import QuernTestSupport
import Testing

struct GPTQTests {
  private static let formats = NumberFormat.allCases.filter {
    RowKernels.best.block($0)?.optimal != nil
  }

  /// The matrix of `testdata/gptq`, one fixture for each of its two Hessian blocks, and what numpy
  /// made of their columns.
  private static func textbook(_ name: String) throws -> [(fixture: GPTQFixture, values: [Float])] {
    let file = try SafetensorsFixture("gptq/gptq.safetensors")
    let (rows, hessians) = (try file.floats("weights"), try file.floats("hessians"))
    let values = try file.floats(name)
    return (0..<2).map { block in
      var fixture = GPTQFixture(width: 64, rowCount: 40, sources: 1, seed: 1)
      let columns = (0..<40).flatMap { row in
        (0..<64).map { row * 128 + 64 * block + $0 }
      }
      fixture.rows = columns.map { rows[$0] }
      fixture.hessian = Array(hessians[block * 64 * 64..<(block + 1) * 64 * 64])
      return (fixture, columns.map { values[$0] })
    }
  }

  @Test(arguments: [("by_column", GPTQFactor.Order.byColumn), ("by_activation", .byActivation)])
  func withoutSweepsItIsGPTQOfThePaper(_ name: String, _ order: GPTQFactor.Order) throws {
    for (fixture, expected) in try Self.textbook(name) {
      let bytes = fixture.encode(.q4_0, fixture.factor(order), sweeps: 0)
      let values = try #require(ReferenceDecoder.decode(.q4_0, bytes))
      let equal = zip(values, expected).count { $0 == $1 }
      #expect(equal >= 99 * values.count / 100)
      let (ours, theirs) = (fixture.error(of: values), fixture.error(of: expected))
      #expect(abs(ours / theirs - 1) < 0.01)
    }
  }

  @Test(arguments: [("by_column", GPTQFactor.Order.byColumn), ("by_activation", .byActivation)])
  func sweepsGainOnThePaper(_ name: String, _ order: GPTQFactor.Order) throws {
    for (fixture, expected) in try Self.textbook(name) {
      let bytes = fixture.encode(.q4_0, fixture.factor(order))
      #expect(fixture.error(.q4_0, bytes) < 0.97 * fixture.error(of: expected))
    }
  }

  @Test(arguments: formats)
  func losesLessThanOptimalScalesWhereInputsCorrelate(_ format: NumberFormat) throws {
    let fixture = GPTQFixture(width: 256, rowCount: 20, sources: 60, seed: 2)
    let plain = fixture.error(format, fixture.encodeOptimally(format))
    for order in [GPTQFactor.Order.byColumn, .byActivation] {
      let factor = try #require(fixture.factor(order))
      #expect(fixture.error(format, fixture.encode(format, factor)) < 0.7 * plain)
    }
  }

  @Test(arguments: formats)
  func withoutCorrelationItIsTheWeightedSearch(_ format: NumberFormat) throws {
    var fixture = GPTQFixture(width: 256, rowCount: 20, sources: 60, seed: 3)
    for index in fixture.hessian.indices where index / 256 != index % 256 {
      fixture.hessian[index] = 0
    }
    // As the factor sees the diagonal: over its mean, damped.
    let diagonal = (0..<256).map { fixture.hessian[$0 * 257] }
    let mean = diagonal.reduce(0.0) { $0 + Double($1) } / 256
    let weights = diagonal.map { Float(Double($0) / mean + 0.01) }
    let search = fixture.error(format, fixture.encodeOptimally(format, weights: weights))
    let factor = try #require(fixture.factor())
    let ours = fixture.error(format, fixture.encode(format, factor))
    #expect(abs(ours / search - 1) < 0.005)
  }

  @Test(arguments: formats)
  func aRowDoesNotDependOnItsNeighboursOrTheKernels(_ format: NumberFormat) throws {
    let fixture = GPTQFixture(width: 256, rowCount: 19, sources: 60, seed: 4)
    let factor = try #require(fixture.factor())
    let whole = fixture.encode(format, factor)
    let parts: [Range<Int>] = [0..<1, 1..<18, 18..<19]
    let split: [UInt8] = parts.flatMap { fixture.encode(format, factor, rows: $0) }
    #expect(split == whole)
    for kernels in RowKernels.available {
      #expect(fixture.encode(format, factor, kernels: kernels) == whole, "\(kernels.levelName)")
    }
  }

  @Test func columnsWithoutInputAndHessiansOfRankOneAreFine() throws {
    var dead = GPTQFixture(width: 64, rowCount: 5, sources: 20, seed: 5)
    for index in dead.hessian.indices where index / 64 % 3 == 0 || index % 64 % 3 == 0 {
      dead.hessian[index] = 0
    }
    let rankOne = GPTQFixture(width: 64, rowCount: 5, sources: 1, seed: 6)
    for fixture in [dead, rankOne] {
      for order in [GPTQFactor.Order.byColumn, .byActivation] {
        let factor = try #require(fixture.factor(order))
        #expect(factor.damping == 0.01)
        let bytes = fixture.encode(.q4_0, factor)
        #expect(
          fixture.error(.q4_0, bytes) < fixture.error(.q4_0, fixture.encodeOptimally(.q4_0)))
      }
    }
  }

  @Test func aMatrixThatIsHardlyPositiveDefiniteIsDampedMore() throws {
    var fixture = GPTQFixture(width: 32, rowCount: 3, sources: 1, seed: 7)
    for index in fixture.hessian.indices {
      fixture.hessian[index] =
        index / 32 == index % 32 ? 1 : (index / 32 < 16) == (index % 32 < 16) ? 0.4 : -0.46
    }
    let before = try #require(fixture.factor()).damping
    #expect(before == 1)
  }

  @Test func inputsThatAreAllZeroCountAsAllTheSame() throws {
    var fixture = GPTQFixture(width: 32, rowCount: 3, sources: 1, seed: 8)
    fixture.hessian = [Float](repeating: 0, count: 32 * 32)
    let factor = try #require(fixture.factor())
    #expect(fixture.encode(.q4_0, factor) == fixture.encodeOptimally(.q4_0))
  }

  @Test func noFactorComesOfAMatrixThatNoInputsHave() {
    var fixture = GPTQFixture(width: 32, rowCount: 3, sources: 1, seed: 8)
    for index in fixture.hessian.indices {
      fixture.hessian[index] = index / 32 == index % 32 ? 1 : -1
    }
    #expect(fixture.factor() == nil)
    #expect(fixture.encode(.q4_0, nil) == fixture.encodeOptimally(.q4_0))
  }

  @Test(arguments: formats)
  func outliersAndZerosGiveFiniteValues(_ format: NumberFormat) throws {
    var fixture = GPTQFixture(width: 256, rowCount: 6, sources: 60, seed: 9)
    for column in 0..<256 {
      fixture.rows[column] = 0
      fixture.rows[256 + column] *= 0x1p-130
    }
    fixture.rows[2 * 256 + 7] = 3e4
    let values = try #require(
      ReferenceDecoder.decode(format, fixture.encode(format, fixture.factor())))
    #expect(values.allSatisfy { $0.isFinite })
    #expect(values[..<256].allSatisfy { $0 == 0 })
  }
}

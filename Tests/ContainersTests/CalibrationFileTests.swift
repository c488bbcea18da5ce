import QuernContainers
import QuernTensors
import QuernTestSupport
import Testing

struct CalibrationFileTests {
  let folder: TemporaryFolder

  init() throws { folder = try TemporaryFolder() }

  private static let metadata = [
    ("format", "quern-calibration"), ("version", "1"), ("model", "m"), ("tokens", "9"),
  ]

  /// Writes a file of tensors whose bytes are given.
  private func write(
    _ tensors: [(String, ElementType, Shape, [UInt8])],
    metadata: [(String, String)] = Self.metadata
  ) throws -> String {
    let header = try SafetensorsHeader(
      tensors: tensors.map { .init(TensorName($0.0), $0.1, $0.2) },
      metadata: metadata.map { (key: $0.0, value: $0.1) }, file: "a")
    return try folder.write("a.safetensors", header.bytes + tensors.flatMap(\.3))
  }

  private static func matrix(_ name: String, _ values: [Float], _ shape: Shape)
    -> (String, ElementType, Shape, [UInt8])
  {
    (
      name, .f32, shape,
      values.flatMap { withUnsafeBytes(of: $0.bitPattern.littleEndian, Array.init) }
    )
  }

  private static func counts(_ name: String, _ values: [Int])
    -> (String, ElementType, Shape, [UInt8])
  {
    (
      name, .i64, [values.count],
      values.flatMap { withUnsafeBytes(of: Int64($0).littleEndian, Array.init) }
    )
  }

  private func refusal(of path: String) -> InputProblem? {
    do throws(CalibrationError) {
      try CalibrationFile(path: path).checkMatrices()
    } catch {
      if case .malformed(let problem) = error { return problem }
    }
    return nil
  }

  @Test func givesTheMatricesOfEveryBlockAndExpert() throws {
    let path = try write(
      [
        Self.counts("w.count", [3, 0]),
        Self.matrix("w.hessian.0", [1, 0.5, 0.5, 2, 5, 6, 6, 8], [2, 2, 2]),
        Self.matrix("w.hessian.1", [4, 9], [2, 1, 1]),
      ], metadata: Self.metadata + [("inputs of v", "w")])
    let file = try CalibrationFile(path: path)
    try file.checkMatrices()
    #expect(file.modelName == "m" && file.tokenCount == 9)
    let entry = try #require(file.entries["w"])
    #expect(entry == file.entries["v"])
    #expect(entry.counts == [3, 0] && entry.widths == [2, 1] && entry.columnCount == 3)
    var matrix: [Float] = [0, 0, 0, 0]
    try matrix.withUnsafeMutableBufferPointer {
      try file.read(entry, block: 0, expert: 1, into: $0)
    }
    #expect(matrix == [5, 6, 6, 8])
  }

  @Test(
    arguments: [
      ([1, 2, 2, .nan], "row 1, column 1", "nan", "a finite number"),
      ([1, .infinity, 0, 1], "row 0, column 1", "inf", "a finite number"),
      ([1, 0, 0, -1], "row 1, column 1", "-1.0", "a sum of squares"),
      ([1, 0.5, 0.4, 1], "row 0, column 1", "0.5", "0.4, as on the other side"),
      ([1, 1.1, 1.1, 1], "row 0, column 1", "1.1", "no more than the diagonal allows"),
    ] as [([Float], String, String, String)])
  func aMatrixThatNoInputsHaveIsRefused(
    _ values: [Float], _ field: String, _ found: String, _ expected: String
  ) throws {
    let path = try write([Self.counts("w.count", [1]), Self.matrix("w.hessian.0", values, [2, 2])])
    let problem = try #require(refusal(of: path))
    #expect(problem.tensor == "w.hessian.0" && problem.field == field)
    #expect(problem.found == found && problem.expected == expected)
  }

  @Test func givesTheRangeOfInputsWithMatricesAndAlone() throws {
    let file = try CalibrationFile(
      path: write(
        [
          Self.counts("w.count", [3]), Self.matrix("w.hessian.0", [1], [1, 1]),
          Self.matrix("w.range", [-2, 0.5], [2]), Self.counts("x.count", [1]),
          Self.matrix("x.range", [3, 3], [2]),
        ], metadata: Self.metadata + [("inputs of v", "w")]))
    #expect(file.entries["w"]?.range == -2...0.5 && file.entries["v"]?.range == -2...0.5)
    let alone = try #require(file.entries["x"])
    #expect(alone.range == 3...3 && alone.widths.isEmpty && alone.columnCount == 0)
  }

  @Test func givesTheMagnitudesOfInputsOfEachExpert() throws {
    let file = try CalibrationFile(
      path: write([
        Self.counts("w.count", [3, 1]), Self.matrix("w.maxima", [1, 2, 3, 4], [2, 2]),
        Self.counts("x.count", [2]), Self.matrix("x.hessian.0", [1, 0, 0, 1], [2, 2]),
        Self.matrix("x.means", [0.5, 0.25], [2]),
      ]))
    let (w, x) = (try #require(file.entries["w"]), try #require(file.entries["x"]))
    #expect(try file.read(.maxima, of: w, expert: 1) == [3, 4])
    #expect(try file.read(.means, of: w) == nil)
    #expect(try file.read(.means, of: x) == [0.5, 0.25])
  }

  @Test(arguments: [Float.nan, .infinity, -1])
  func aMagnitudeThatIsNoneIsRefusedWhenItIsRead(_ value: Float) throws {
    let file = try CalibrationFile(
      path: write([
        Self.counts("w.count", [3, 1]), Self.matrix("w.maxima", [1, 2, 3, value], [2, 2]),
      ]))
    let entry = try #require(file.entries["w"])
    #expect(throws: CalibrationError.self) { try file.read(.maxima, of: entry, expert: 1) }
    #expect(try file.read(.maxima, of: entry, expert: 0) == [1, 2])
  }

  @Test(
    arguments: [
      ([1, 0], "1.0 to 0.0"), ([.nan, 1], "nan to 1.0"), ([0, .nan], "0.0 to nan"),
      ([-.infinity, 1], "-inf to 1.0"), ([0, .infinity], "0.0 to inf"),
    ] as [([Float], String)])
  func aRangeThatNoInputsHaveIsRefused(_ values: [Float], _ found: String) throws {
    let path = try write([Self.counts("w.count", [1]), Self.matrix("w.range", values, [2])])
    let problem = try #require(refusal(of: path))
    #expect(problem.tensor == "w.range" && problem.found == found)
    #expect(problem.expected == "finite, the smallest first")
  }

  @Test func theMatrixOfAnExpertWithoutRowsIsNotLookedAt() throws {
    let path = try write([
      Self.counts("w.count", [0, 1]), Self.matrix("w.hessian.0", [.nan, 1], [2, 1, 1]),
    ])
    #expect(refusal(of: path) == nil)
  }

  @Test func tensorsOfAnotherKindAreRefusedByName() throws {
    let fine = Self.matrix("w.hessian.0", [1], [1, 1])
    let wrong: [([(String, ElementType, Shape, [UInt8])], String)] = [
      ([Self.matrix("w.count", [1], [1]), fine], "w.count"),
      ([Self.counts("w.count", [-1]), fine], "w.count"),
      ([Self.counts("w.count", [1])], "w.hessian.0"),
      ([Self.counts("w.count", [1, 1]), fine], "w.hessian.0"),
      ([Self.counts("w.count", [1]), Self.matrix("w.hessian.0", [1, 2], [1, 2])], "w.hessian.0"),
      ([Self.counts("w.count", [1]), fine, Self.matrix("x", [1], [1])], "x"),
      ([fine], "w.hessian.0"),
      ([Self.matrix("w.range", [0, 1], [2])], "w.range"),
      ([Self.counts("w.count", [1]), Self.matrix("w.range", [0, 1, 2], [3])], "w.range"),
      ([Self.counts("w.count", [1]), Self.matrix("w.range", [0, 1], [1, 2])], "w.range"),
      ([Self.counts("w.count", [1]), Self.counts("w.range", [0, 1])], "w.range"),
      ([Self.counts("w.count", [1]), fine, Self.matrix("x.range", [0, 1], [2])], "x.range"),
      ([Self.counts("w.count", [1]), fine, Self.matrix("w.maxima", [0, 1], [2])], "w.maxima"),
      ([Self.counts("w.count", [2, 2]), Self.matrix("w.means", [0, 1], [2])], "w.means"),
      (
        [
          Self.counts("w.count", [1]), Self.matrix("w.maxima", [0, 1], [2]),
          Self.matrix("w.means", [0], [1]),
        ], "w.means"
      ),
      ([Self.counts("w.count", [1]), Self.counts("w.maxima", [0, 1])], "w.maxima"),
      (
        [
          Self.counts("w.count", [1]),
          Self.matrix("w.hessian.0", [Float](repeating: 0, count: 513 * 513), [513, 513]),
        ], "w.hessian.0"
      ),
    ]
    for (tensors, name) in wrong { #expect(try refusal(of: write(tensors))?.tensor == name) }
  }

  @Test(arguments: ["format", "version", "tokens"])
  func metadataOfAnotherFormatIsRefused(_ key: String) throws {
    let tensors = [Self.counts("w.count", [1]), Self.matrix("w.hessian.0", [1], [1, 1])]
    let changed = Self.metadata.map { $0.0 == key ? (key, "x") : $0 }
    #expect(try refusal(of: write(tensors, metadata: changed))?.field == key)
    let missing = Self.metadata.filter { $0.0 != key }
    #expect(try refusal(of: write(tensors, metadata: missing))?.field == key)
  }

  @Test func sharedInputsMustBeThere() throws {
    let tensors = [Self.counts("w.count", [1]), Self.matrix("w.hessian.0", [1], [1, 1])]
    for (name, owner) in [("v", "x"), ("w", "w")] {
      let metadata = Self.metadata + [("inputs of \(name)", owner)]
      #expect(try refusal(of: write(tensors, metadata: metadata))?.field == "inputs of \(name)")
    }
  }

  @Test func aMissingFileIsUnreadable() {
    #expect(throws: CalibrationError.self) { try CalibrationFile(path: folder.path("none")) }
  }
}

import QuernKernels
import QuernLayouts
import QuernQuantization

/// The product of one weight by the kernel that its type has on the NPU (`IntegerInputs`), beside the
/// float32 product of the source's values.
struct ParityTask: Sendable {
  enum Kernel: Sendable {
    case dynamic
    case fixed(scale: Float, offset: Int)
    case floats
  }

  let kernel: Kernel
  let inputs: ParityInputs
  /// The inputs as the kernel takes them.
  private let kernelInputs: IntegerInputs
  /// √(noise / signal) of the inputs as the kernel sees them.
  let inputError: Double
  /// Whether the kernel reads the weight from FRACTAL_NZ as well.
  var readsNZ = false
  /// Ranks that the columns are split over, and products summed.
  var splits: [Int] = []

  /// - Throws: `KernelError` where codes do not fit their shape, which no input can cause.
  init(_ kernel: Kernel, _ inputs: ParityInputs) throws(KernelError) {
    (self.kernel, self.inputs) = (kernel, inputs)
    switch kernel {
    case .dynamic:
      let codes = inputs.dynamic
      let width = inputs.values.columnCount
      inputError = inputs.error { Float(codes.codes.codes[$0]) * codes.scales[$0 / width] }
      kernelInputs = .dynamic(codes)
    case .fixed(let scale, let offset):
      kernelInputs = try .fixed(inputs.values, scale: scale, offset: offset)
      let codes = kernelInputs.fixedCodes?.codes ?? []
      inputError = inputs.error { Float(Int(codes[$0]) - offset) * scale }
    case .floats: (inputError, kernelInputs) = (0, .floats(inputs.values))
    }
  }

  private static let products = KernelProducts()

  /// Multiplies with some rows of a weight.
  ///
  /// - Parameters:
  ///   - source: their values, [rows, columns].
  ///   - rows: of the tile, counted from the first that is stored.
  func multiply(
    _ source: [Float], _ tile: IntegerTile, _ stored: StoredRows, _ rows: Range<Int>,
    into sums: inout ParitySums
  ) {
    do throws(KernelError) {
      let wanted = Self.products.floats(
        inputs.values,
        try FloatMatrix(rows: tile.rowCount, columns: tile.rowLength, values: source))
      let weights = try TileWeights(tile, stored, rows)
      let found = try kernelInputs.multiply(weights.weights, using: Self.products)
      compare(found, wanted, into: &sums)
      for value in source { sums.weightSignal += Double(value) * Double(value) }
      if readsNZ { try checkNZ(weights, found, stored.rows.lowerBound + rows.lowerBound, &sums) }
      if !splits.isEmpty { try checkSplits(weights, &sums) }
    } catch {
      sums.defect =
        sums.defect
        ?? (stored.rows.lowerBound + rows.lowerBound, "\(error)", "what the kernel takes")
    }
  }

  private func compare(_ found: FloatMatrix, _ wanted: FloatMatrix, into sums: inout ParitySums) {
    for (value, right) in zip(found.values, wanted.values) {
      let difference = Double(value) - Double(right)
      sums.noise += difference * difference
      sums.signal += Double(right) * Double(right)
    }
  }

  // MARK: FRACTAL_NZ

  /// The kernel that reads [inputs, outputs] in FRACTAL_NZ gives the same product.
  private func checkNZ(
    _ weights: TileWeights, _ product: FloatMatrix, _ row: Int, _ sums: inout ParitySums
  ) throws(KernelError) {
    guard
      let layout = FractalNZ(
        of: weights.tile.storage, rows: weights.tile.rowCount, columns: weights.tile.rowLength)
    else { return }
    let relaid = try NZWeights(layout: layout, relaying: weights.codeBytes)
    var again = weights.weights
    again.codes = relaid.codes()
    let found = try kernelInputs.multiply(again, using: Self.products)
    if found != product, sums.defect == nil {
      sums.defect = (row, "another product when read from FRACTAL_NZ", "the same product")
    }
  }

  // MARK: Tensor parallelism

  /// Each rank multiplies a run of columns with a run of the inputs; the sum is the whole product:
  /// integers exactly, partial products in F16 nearly.
  private func checkSplits(_ weights: TileWeights, _ sums: inout ParitySums) throws(KernelError) {
    let codes = weights.weights.codes
    let input = kernelInputs.fixedCodes ?? inputs.dynamic.codes
    let whole = Self.products.integers(input, codes, columns: 0..<codes.columnCount)
    let wholeFour =
      weights.weights.isSplit
      ? try GroupedMatmulW4A8.multiply(
        inputs.dynamic, weights.weights.split(), using: Self.products) : nil
    var split = ParitySums()
    for ranks in splits {
      let width = codes.columnCount / ranks
      var total = [Int32](repeating: 0, count: whole.count)
      var totalFour = [Float](repeating: 0, count: whole.count)
      for rank in 0..<ranks {
        let columns = rank * width..<(rank + 1) * width
        let part = Self.products.integers(input, codes, columns: columns)
        for index in total.indices { total[index] &+= part[index] }
        guard wholeFour != nil else { continue }
        var share = weights.weights
        share.codes = try codes.columns(columns)
        let values = try GroupedMatmulW4A8.multiply(
          QuantizedActivations(
            codes: input.columns(columns), scales: inputs.dynamic.scales),
          share.split(rank: rank, of: ranks), using: Self.products
        ).values
        for index in totalFour.indices { totalFour[index] += values[index] }
      }
      if total != whole, sums.defect == nil {
        sums.defect = (0, "other sums on \(ranks) ranks", "the sums of the whole product")
      }
      split.splitNoise.append(
        wholeFour.map { Self.noise(totalFour, $0.values) } ?? 0)
    }
    split.splitSignal = wholeFour.map { Self.noise([], $0.values) } ?? 0
    sums.add(split)
  }

  /// Σ of squared differences, from zeros where there are no values.
  private static func noise(_ values: [Float], _ wanted: [Float]) -> Double {
    wanted.indices.reduce(0) { sum, index in
      let difference = Double(wanted[index]) - (values.isEmpty ? 0 : Double(values[index]))
      return sum + difference * difference
    }
  }
}

extension IntegerInputs {
  /// Inputs with a fixed scale; nil for all other kernels.
  fileprivate var fixedCodes: CodeMatrix? {
    if case .fixed(let codes) = self { codes } else { nil }
  }
}

extension CodeMatrix {
  /// Some of the columns.
  fileprivate func columns(_ range: Range<Int>) throws(KernelError) -> CodeMatrix {
    var part: [Int8] = []
    part.reserveCapacity(rowCount * range.count)
    for row in 0..<rowCount {
      part += codes[row * columnCount + range.lowerBound..<row * columnCount + range.upperBound]
    }
    return try CodeMatrix(rows: rowCount, columns: range.count, codes: part)
  }
}

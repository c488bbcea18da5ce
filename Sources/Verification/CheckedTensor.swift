import QuernCertificates
import QuernCheckpoints
import QuernContainers
import QuernConversion
import QuernQuantization
import QuernTensors

/// One output tensor to check: where its bytes are, how they are cut, and what they were made from.
struct CheckedTensor: Sendable {
  let name: String
  let shape: Shape
  let storage: CheckedStorage
  /// The stored tensors that hold it.
  var parts: [CheckedPart]
  let grid: ChunkGrid
  /// What its values must be; nil when there is no source to compare with.
  var expression: TensorExpression?
  /// How values became stored bytes; nil where nobody says.
  var method: PlannedTensor.Method?
  /// True where errors are bounded by the scales: Q4_0 from the FP4 grid.
  var hasGridBound = false
  /// True where errors were weighted, so that scales are the best for weights that are not known here.
  var isWeighted = false
  /// What the values of NVFP4 are multiplied by: one factor for each expert, or one for all; empty for
  /// none.
  var secondScales: [Float] = []
  /// True where NaN and infinite source values were to become 0.
  var replacesNonFinite = false
  /// How its source was rotated; nil where it was not.
  var rotation: SourceRotation?
  /// How inputs are quantized where that is fixed.
  var input: CertificateRow.Input?
  /// What is expected of a tensor that no certificate describes; nil with a certificate.
  var tolerance: RowTolerance?
  /// The product that is computed with it on the way; nil for none.
  var parity: ParityTask?

  /// Position among the files of the sweep, and place there, of the first part.
  var file: Int { parts.first?.file ?? 0 }
  var offset: Int { parts.first?.offset ?? 0 }
  /// The format of numbers and blocks; integers have none.
  var format: NumberFormat { if case .numbers(let format) = storage { format } else { .f32 } }

  /// What the values of a row are multiplied by.
  func secondScale(ofRow row: Int) -> Float {
    guard !secondScales.isEmpty else { return 1 }
    return secondScales[row / max(1, shape.rowCount / secondScales.count)]
  }

  /// The factors that exponents of a plan or a certificate stand for.
  fileprivate static func factors(_ exponents: [Int]) -> [Float] {
    exponents.map { Float(sign: .plus, exponent: $0, significand: 1) }
  }

  /// Rows that cannot be looked at one by one.
  var rowGranule: Int { max(storage.rowGranule, rotation?.rowGranule ?? 1) }
  var rowLength: Int { shape.rowLength }
  var rowByteCount: Int { format.byteCount(elements: rowLength) ?? 0 }
  var byteCount: Int { shape.rowCount * rowByteCount }
  var chunkCount: Int { grid.chunkCount }

  /// The same tensor, with its files at other positions.
  func inFiles(_ position: (Int) -> Int) -> CheckedTensor {
    var tensor = self
    for index in parts.indices { tensor.parts[index].file = position(parts[index].file) }
    return tensor
  }
}

extension CheckedTensor {
  /// A tensor of a plan that was derived anew.
  init(
    _ tensor: PlannedTensor, places: [ConversionPlan.PartPlace], options: ConversionOptions
  ) {
    self.init(
      name: tensor.name, shape: tensor.shape, storage: CheckedStorage(tensor.storage),
      parts: zip(tensor.parts, places).map {
        CheckedPart($0, file: $1.file, offset: $1.offset)
      },
      grid: tensor.grid, expression: tensor.expression, method: tensor.method,
      hasGridBound: tensor.method == .gridAware && tensor.storage == .numbers(.q4_0)
        && tensor.importance == nil,
      isWeighted: tensor.importance != nil, secondScales: Self.factors(tensor.scaleExponents),
      replacesNonFinite: options.nonFinite == .zero,
      input: tensor.activation.map { .init(scale: $0.scale, offset: $0.offset) })
  }

  /// Larger chunks than this are no rule of ours; a certificate that claims them would be read into
  /// memory at once.
  private static let maximumChunkByteCount = 256 << 20
  /// No file holds as many; the bytes of all parts can be counted up to here.
  private static let maximumElementCount = Int.max >> 10

  /// A tensor as a certificate's row describes it; nil where the numbers of the row contradict each
  /// other, so that nothing can be read by them.
  init?(
    _ row: CertificateRow, target: String, fileByteCount: (_ file: Int) -> Int?
  ) {
    let shape = Shape(row.shape)
    guard let elementCount = shape.checkedElementCount,
      (1...Self.maximumElementCount).contains(elementCount),
      shape.rowCount % row.parts == 0, row.chunkRows <= shape.rowCount / row.parts,
      let (storage, parts) = CheckedStorage.described(by: row, target: target),
      row.chunkRows % storage.rowGranule == 0,
      Self.fits(row, parts, fileByteCount: fileByteCount),
      row.scaleExponents.isEmpty || shape.rowCount % row.scaleExponents.count == 0
    else { return nil }
    self.init(
      name: row.name, shape: shape, storage: storage, parts: parts,
      grid: ChunkGrid(
        parts: row.parts, rowsPerPart: shape.rowCount / row.parts, chunkRows: row.chunkRows),
      isWeighted: row.importance != nil, secondScales: Self.factors(row.scaleExponents),
      input: row.input)
  }

  /// Whether the parts are the bytes of the row, inside the file, in chunks of a reasonable size.
  private static func fits(
    _ row: CertificateRow, _ parts: [CheckedPart], fileByteCount: (_ file: Int) -> Int?
  ) -> Bool {
    let total = parts.reduce(0) { $0 + $1.stored.byteCount }
    let chunk = parts.reduce(0) { $0 + $1.stored.byteCount(rows: row.chunkRows) }
    return total == row.byteCount && chunk <= maximumChunkByteCount
      && parts.allSatisfy { part in
        guard let limit = fileByteCount(part.file) else { return false }
        return part.stored.byteCount <= limit && part.offset >= 0
          && part.offset <= limit - part.stored.byteCount
      }
  }
}

import QuernCertificates
import QuernCheckpoints
import QuernContainers
import QuernConversion
import QuernQuantization
import QuernTensors

/// One output tensor to check: where its bytes are, how they are cut, and what they were made from.
struct CheckedTensor: Sendable {
  let name: String
  /// Position among the files of the sweep.
  var file: Int
  let offset: Int
  let shape: Shape
  let format: NumberFormat
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

  /// What the values of a row are multiplied by.
  func secondScale(ofRow row: Int) -> Float {
    guard !secondScales.isEmpty else { return 1 }
    return secondScales[row / max(1, shape.rowCount / secondScales.count)]
  }

  /// The factors that exponents of a plan or a certificate stand for.
  fileprivate static func factors(_ exponents: [Int]) -> [Float] {
    exponents.map { Float(sign: .plus, exponent: $0, significand: 1) }
  }

  var rowLength: Int { shape.rowLength }
  var rowByteCount: Int { format.byteCount(elements: rowLength) ?? 0 }
  var byteCount: Int { shape.rowCount * rowByteCount }
  var chunkCount: Int { grid.chunkCount }

  /// The same tensor, with its file at another position.
  func inFile(_ position: Int) -> CheckedTensor {
    var tensor = self
    tensor.file = position
    return tensor
  }
}

extension CheckedTensor {
  /// A tensor of a plan that was derived anew.
  init(_ tensor: PlannedTensor, file: Int, offset: Int, options: ConversionOptions) {
    self.init(
      name: tensor.name, file: file, offset: offset, shape: tensor.shape, format: tensor.format,
      grid: tensor.grid, expression: tensor.expression, method: tensor.method,
      hasGridBound: tensor.method == .gridAware && tensor.format == .q4_0
        && tensor.importance == nil,
      isWeighted: tensor.importance != nil, secondScales: Self.factors(tensor.scaleExponents),
      replacesNonFinite: options.nonFinite == .zero)
  }

  /// Larger chunks than this are no rule of ours; a certificate that claims them would be read into
  /// memory at once.
  private static let maximumChunkByteCount = 256 << 20

  /// A tensor as a certificate's row describes it; nil where the numbers of the row contradict each
  /// other, so that nothing can be read by them.
  init?(_ row: CertificateRow, fileByteCount: Int) {
    let shape = Shape(row.shape)
    guard let format = NumberFormat(rawValue: row.type),
      let elementCount = shape.checkedElementCount, elementCount > 0,
      format.divides(rowLength: shape.rowLength),
      format.byteCount(elements: elementCount) == row.byteCount,
      row.byteCount <= fileByteCount, row.offset <= fileByteCount - row.byteCount,
      shape.rowCount % row.parts == 0, row.chunkRows <= shape.rowCount / row.parts,
      let rowByteCount = format.byteCount(elements: shape.rowLength),
      rowByteCount * row.chunkRows <= Self.maximumChunkByteCount,
      row.scaleExponents.isEmpty || shape.rowCount % row.scaleExponents.count == 0
    else { return nil }
    self.init(
      name: row.name, file: row.file, offset: row.offset, shape: shape, format: format,
      grid: ChunkGrid(
        parts: row.parts, rowsPerPart: shape.rowCount / row.parts, chunkRows: row.chunkRows),
      isWeighted: row.importance != nil, secondScales: Self.factors(row.scaleExponents))
  }
}

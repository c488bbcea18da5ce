import QuernQuantization

/// Rows to encode, and how much each column counts.
struct EncodingSignal {
  /// The same rows on the FP4 grid, as checkpoints store it.
  struct Grid {
    /// Element 2j in the low half of byte j.
    var packed: [UInt8] = []
    /// One E8M0 byte for every 32 elements.
    var scales: [UInt8] = []

    func withRow(_ row: Int, _ body: (GridRow) -> Void) {
      let (codes, exponents) = (EncodingSignal.rowLength / 2, EncodingSignal.rowLength / 32)
      packed.withUnsafeBufferPointer { packed in
        scales.withUnsafeBufferPointer { scales in
          body(
            GridRow(
              packed: .init(rebasing: packed[row * codes..<(row + 1) * codes]),
              scales: .init(rebasing: scales[row * exponents..<(row + 1) * exponents])))
        }
      }
    }
  }

  static let rowLength = 4096

  let name: String
  /// Whole rows of `rowLength`.
  let values: [Float]
  /// One for each column, positive: what an imatrix would hold.
  let importance: [Float]
  /// Nil where the rows are on no grid.
  var grid: Grid?

  var rowCount: Int { values.count / Self.rowLength }

  init(name: String, values: [Float], grid: Grid? = nil) {
    self.name = name
    self.values = values
    self.grid = grid
    importance = Self.importance
  }

  /// Mean squares of activations spread over decades: the logarithm is normal.
  private static let importance: [Float] = {
    var random = RandomNumbers(seed: 0x1337)
    return (0..<rowLength).map { _ in Float(exponential(random.normal())) }
  }()
}

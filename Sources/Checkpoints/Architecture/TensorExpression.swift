/// Rows of one source tensor: a position in the checkpoint's tensors, and which rows.
package struct SourceRows: Hashable, Sendable {
  package let tensor: Int
  package let firstRow: Int
  package let rowCount: Int

  package init(tensor: Int, firstRow: Int, rowCount: Int) {
    self.tensor = tensor
    self.firstRow = firstRow
    self.rowCount = rowCount
  }
}

/// What an output tensor is made of.
package enum TensorExpression: Hashable, Sendable {
  /// The rows as they are.
  case copy(SourceRows)
  /// One part behind the other along a new first dimension: the experts of a layer.
  case stack([SourceRows])
  /// The same of parts whose rows and columns change places: row c of a part is the column c of its
  /// source, and the rows of the source are its columns.
  case transpose([SourceRows])
  /// Row r is the row r of each source, one behind the other.
  case concatenateColumns([SourceRows])
  /// The rows of each head reordered from halves to pairs.
  case permuteHeads(SourceRows, headRows: Int)
  /// Float32 values that follow from the config alone.
  case values([Float])

  /// Rows of the output that can be made only together: those of a head that change places.
  package var rowGranule: Int {
    if case .permuteHeads(_, let headRows) = self { headRows } else { 1 }
  }

  /// The sources in the order of the output.
  package var sources: [SourceRows] {
    switch self {
    case .copy(let rows), .permuteHeads(let rows, _): [rows]
    case .stack(let parts), .transpose(let parts), .concatenateColumns(let parts): parts
    case .values: []
    }
  }

  /// Whether each source is a part of its own along the first dimension.
  package var isStack: Bool {
    switch self {
    case .stack, .transpose: true
    case .copy, .concatenateColumns, .permuteHeads, .values: false
    }
  }

  /// Whether columns of the sources are rows of the output.
  package var isTransposed: Bool { if case .transpose = self { true } else { false } }
}

/// An output tensor: its name in the target, its role and what it is made of.
package struct MappedTensor: Hashable, Sendable {
  package let name: String
  package let role: TensorRole
  package let shape: [Int]
  package let expression: TensorExpression
  /// True for an index table, which no float format may replace.
  package let isInteger: Bool
  /// True for tensors of the draft model's own file.
  package let isDraft: Bool

  package init(
    name: String, role: TensorRole, shape: [Int], expression: TensorExpression, isInteger: Bool,
    isDraft: Bool
  ) {
    self.name = name
    self.role = role
    self.shape = shape
    self.expression = expression
    self.isInteger = isInteger
    self.isDraft = isDraft
  }
}

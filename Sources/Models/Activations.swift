import QuernKernels

/// Rows of float32 that several threads may write, each its own part of them: [rows, width].
package final class Activations: @unchecked Sendable {
  // Unchecked because of the pointer: whoever lets threads write sees to it that they do not meet.
  package let rowCount: Int
  package let width: Int
  package let values: UnsafeMutableBufferPointer<Float>
  /// Whose memory the values are; nil where they are this one's own.
  private let owner: Activations?

  package init(rows: Int, width: Int) {
    (rowCount, self.width) = (rows, width)
    owner = nil
    values = .allocate(capacity: rows * width)
    values.initialize(repeating: 0)
  }

  package convenience init(rows: Int, width: Int, values: [Float]) {
    self.init(rows: rows, width: width)
    precondition(values.count == rows * width)
    _ = self.values.update(fromContentsOf: values)
  }

  private init(_ owner: Activations, width: Int) {
    rowCount = width > 0 ? owner.values.count / width : 0
    self.width = width
    values = owner.values
    self.owner = owner
  }

  deinit { if owner == nil { values.deallocate() } }

  /// The same memory as rows of another width: heads that lie behind each other, or streams.
  package func reshaped(width: Int) -> Activations {
    precondition(values.count.isMultiple(of: width))
    return Activations(self, width: width)
  }

  /// A copy of all values: what `values` points to is gone with its owner's last use.
  package var array: [Float] { withExtendedLifetime(self) { Array(values) } }

  package func row(_ index: Int) -> UnsafeMutableBufferPointer<Float> {
    UnsafeMutableBufferPointer(rebasing: values[index * width..<(index + 1) * width])
  }

  /// Rows in the order of `indices`, which may repeat.
  package func gathered(_ indices: some Collection<Int>) -> Activations {
    let result = Activations(rows: indices.count, width: width)
    for (place, index) in indices.enumerated() {
      _ = result.row(place).update(fromContentsOf: row(index))
    }
    return result
  }

  /// Every row's values that many times behind each other.
  package func repeated(_ count: Int) -> Activations {
    let result = Activations(rows: rowCount, width: count * width)
    let places = result.reshaped(width: width)
    for place in 0..<rowCount * count {
      _ = places.row(place).update(fromContentsOf: row(place / count))
    }
    return result
  }

  /// Some of the columns of every row.
  package func columns(_ range: Range<Int>) -> Activations {
    let result = Activations(rows: rowCount, width: range.count)
    for index in 0..<rowCount {
      _ = result.row(index).update(fromContentsOf: row(index)[range])
    }
    return result
  }

  /// Replaces the columns from `first` on by those of `other`, row by row.
  package func replaceColumns(from first: Int, with other: Activations) {
    for index in 0..<rowCount {
      _ = row(index)[first...].update(fromContentsOf: other.row(index))
    }
  }

  /// Columns as rows.
  package func transposed() -> Activations {
    let result = Activations(rows: width, width: rowCount)
    for index in 0..<rowCount {
      for (column, value) in row(index).enumerated() {
        result.values[column * rowCount + index] = value
      }
    }
    return result
  }

  package func copy() -> Activations { gathered(0..<rowCount) }

  /// The rows of both, `other`'s behind.
  package func joined(with other: Activations) -> Activations {
    precondition(width == other.width)
    let result = Activations(rows: rowCount + other.rowCount, width: width)
    _ = result.values.update(fromContentsOf: values)
    _ = result.values[values.count...].update(fromContentsOf: other.values)
    return result
  }

  /// Copies `count` rows of `other`, all from `first` on without it, to the rows from `row` on.
  ///
  /// - Parameter column: where each of them begins.
  package func place(
    _ other: Activations, from first: Int = 0, count: Int? = nil, row: Int, column: Int
  ) {
    for index in 0..<(count ?? other.rowCount - first) {
      _ = self.row(row + index)[column...].update(fromContentsOf: other.row(first + index))
    }
  }

  /// Adds value by value.
  package func add(_ other: Activations) {
    precondition(values.count == other.values.count)
    for index in values.indices { values[index] += other.values[index] }
  }
}

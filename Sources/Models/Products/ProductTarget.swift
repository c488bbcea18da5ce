import QuernKernels

/// The rows and columns of a result that the products of some rows with some weights go to.
struct ProductTarget: Sendable {
  let out: Activations
  let rows: Range<Int>
  let columns: Range<Int>

  var start: UnsafeMutablePointer<Float>? {
    out.values.baseAddress.map { $0 + rows.lowerBound * out.width + columns.lowerBound }
  }

  func take(_ products: FloatMatrix) {
    for (index, row) in rows.enumerated() {
      let first = index * products.columnCount
      _ = out.row(row)[columns].update(
        fromContentsOf: products.values[first..<first + columns.count])
    }
  }

  func round(to type: HalfType) {
    for row in rows {
      let values = out.row(row)
      for column in columns { values[column] = type.rounded(values[column]) }
    }
  }

  /// - Parameter factors: one for each column.
  func multiply(by factors: [Float]) {
    for row in rows {
      let values = out.row(row)
      for (column, factor) in zip(columns, factors) { values[column] *= factor }
    }
  }
}

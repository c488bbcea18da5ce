/// The definition of the products, in plain loops.
package struct PlainProducts: MatrixProducts {
  package init() {}

  package func integers(_ x: CodeMatrix, _ w: CodeMatrix, columns: Range<Int>) -> [Int32] {
    var sums: [Int32] = []
    for token in 0..<x.rowCount {
      for output in 0..<w.rowCount {
        var sum: Int32 = 0
        for column in columns {
          let left = Int32(x.codes[token * x.columnCount + column])
          sum &+= left * Int32(w.codes[output * w.columnCount + column])
        }
        sums.append(sum)
      }
    }
    return sums
  }

  package func floats(_ x: FloatMatrix, _ w: FloatMatrix) -> FloatMatrix {
    var out = FloatMatrix(x.rowCount, w.rowCount)
    for token in 0..<x.rowCount {
      for output in 0..<w.rowCount {
        out.values[token * w.rowCount + output] = dot(
          x.values[token * x.columnCount..<(token + 1) * x.columnCount],
          w.values[output * w.columnCount..<(output + 1) * w.columnCount])
      }
    }
    return out
  }

  private func dot(_ x: ArraySlice<Float>, _ w: ArraySlice<Float>) -> Float {
    var lanes = [Float](repeating: 0, count: 16)
    for (index, (left, right)) in zip(x, w).enumerated() {
      lanes[index % 16].addProduct(left, right)
    }
    // As if the last sixteen were filled up with zeros: −0 becomes +0.
    for lane in 0..<16 where x.count % 16 != 0 && lane >= x.count % 16 {
      lanes[lane].addProduct(0, 0)
    }
    for half in [8, 4, 2, 1] {
      for lane in 0..<half { lanes[lane] += lanes[lane + half] }
    }
    return lanes[0]
  }
}

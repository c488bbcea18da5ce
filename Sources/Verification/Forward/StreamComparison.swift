import QuernModels

/// How far one stream is from another, in float64.
struct StreamComparison {
  /// ‖found − wanted‖ / ‖wanted‖ over all rows.
  let relativeError: Double
  /// The mean over the rows of found·wanted / (‖found‖ ‖wanted‖).
  let cosine: Double

  /// - Parameter firstRow: where the rows to compare begin in `found`.
  init(_ found: Activations, firstRow: Int = 0, wanted: Activations) {
    var (noise, signal, cosines) = (0.0, 0.0, 0.0)
    for row in 0..<wanted.rowCount {
      let (a, b) = (found.row(firstRow + row), wanted.row(row))
      var (rowNoise, dot, aa, bb) = (0.0, 0.0, 0.0, 0.0)
      for column in a.indices {
        let (x, y) = (Double(a[column]), Double(b[column]))
        rowNoise += (x - y) * (x - y)
        dot += x * y
        aa += x * x
        bb += y * y
      }
      noise += rowNoise
      signal += bb
      // Two rows of zeros point the same way.
      cosines += aa * bb > 0 ? dot / (aa * bb).squareRoot() : (aa == bb ? 1 : 0)
    }
    relativeError = noise == 0 ? 0 : (noise / signal).squareRoot()
    cosine = cosines / Double(max(1, wanted.rowCount))
  }

  /// The share of the entries that `wanted` chose which `found` chose as well; nil without choices.
  static func agreement(_ found: ArraySlice<[Int32]>?, _ wanted: [[Int32]]?) -> Double? {
    guard let found, let wanted else { return nil }
    var (both, all) = (0, 0)
    for (a, b) in zip(found, wanted) {
      let chosen = Set(a)
      both += b.count { chosen.contains($0) }
      all += b.count
    }
    return all == 0 ? 1 : Double(both) / Double(all)
  }
}

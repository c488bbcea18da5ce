import CKernels

/// One block of a Hessian, damped and factored: what rows are rounded with.
///
/// Columns · columns · 8 bytes.
package final class GPTQFactor: @unchecked Sendable {
  // Unchecked because of the buffers, which nobody writes to after the initializer.

  /// In which order columns are rounded.
  package enum Order: Hashable, Sendable {
    /// First to last; scales are chosen when a block's first column is reached, for the weights as
    /// the errors so far have changed them.
    case byColumn
    /// The column with the largest input first, of equal ones the first; scales are chosen for the
    /// weights as they are.
    case byActivation
  }

  /// What is added to the diagonal, over its mean: the first that makes the matrix positive definite
  /// even in spite of rounding errors in the file.
  package static let dampings = [0.01, 0.1, 1]

  package let columnCount: Int
  package let order: Order
  package let damping: Double
  private let places: UnsafeMutableBufferPointer<UInt16>
  private let hessian: UnsafeMutableBufferPointer<Float>
  private let feedback: UnsafeMutableBufferPointer<Float>
  private let importance: UnsafeMutableBufferPointer<Float>

  /// - Parameter matrix: columns × columns sums of x·xᵀ; each pair's entry above the diagonal is used.
  /// - Returns: nil where the matrix is far from positive definite, which no sum of x·xᵀ is.
  package init?(_ matrix: UnsafeBufferPointer<Float>, columnCount: Int, order: Order) {
    precondition(matrix.count == columnCount * columnCount)
    precondition((1...Int(QUERN_GPTQ_COLUMNS)).contains(columnCount))
    self.columnCount = columnCount
    self.order = order
    places = .allocate(capacity: columnCount)
    hessian = .allocate(capacity: matrix.count)
    feedback = .allocate(capacity: matrix.count)
    importance = .allocate(capacity: columnCount)
    var columns = Array(0..<columnCount)
    if order == .byActivation {
      let diagonal = columns.map { matrix[$0 * columnCount + $0] }
      columns.sort { (diagonal[$1], $0) < (diagonal[$0], $1) }
    }
    _ = places.initialize(from: columns.lazy.map { UInt16(truncatingIfNeeded: $0) })
    let work = UnsafeMutableBufferPointer<Double>.allocate(capacity: matrix.count)
    defer { work.deallocate() }
    damping =
      Self.dampings.first { [places, hessian, feedback, importance] in
        quern_gptq_factorize(
          matrix.baseAddress, columnCount, places.baseAddress, $0, work.baseAddress,
          hessian.baseAddress, feedback.baseAddress, importance.baseAddress)
      } ?? 0
    // Not before every property has its value: only then are the buffers freed.
    if damping == 0 { return nil }
    guard order == .byActivation else { return }
    // In this order the columns of a block differ widely in what later ones can make up for; scales
    // that follow the few that count most clip all others.
    for place in 0..<columnCount {
      importance[Int(places[place])] = hessian[place * columnCount + place]
    }
  }

  deinit {
    places.deallocate()
    hessian.deallocate()
    feedback.deallocate()
    importance.deallocate()
  }

  /// The factor as the kernels take it; valid while this object lives.
  var pointers: quern_gptq_factor {
    quern_gptq_factor(
      columns: columnCount, order: places.baseAddress, has_static_scales: order == .byActivation,
      hessian: hessian.baseAddress, feedback: feedback.baseAddress,
      importance: importance.baseAddress)
  }
}

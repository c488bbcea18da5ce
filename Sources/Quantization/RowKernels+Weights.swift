import CKernels

/// Rows whose errors count by weights, and rows times a factor: the same on every level.
extension RowKernels {
  /// Adds Σ w·x² and Σ w·(x − y)² to `sums`; `position` is the index in the chunk of the first
  /// element.
  package func compare(
    _ source: UnsafeBufferPointer<Float>, _ output: UnsafeBufferPointer<Float>,
    weights: UnsafeBufferPointer<Float>, position: Int, into sums: inout quern_weighted_sums
  ) {
    precondition(source.count == output.count && source.count == weights.count)
    guard let base = source.baseAddress else { return }
    quern_compare_weighted(
      base, output.baseAddress, weights.baseAddress, position, source.count, &sums)
  }

  /// Writes what the squared errors of one row count in a search: importance · (1 + x² ÷ mean square
  /// of the row)^⅜.
  ///
  /// An importance is the mean square of an input, alone. But inputs go up and down together, and so do
  /// the errors of large weights, which all come out too small when a block's scale serves its small
  /// ones. Such errors add up where others cancel; the factor lets large weights count for that. ggml
  /// takes the square root (ggml-quants.c). With ⅜ what models say is as close, and the plain sum of
  /// importance · error² stays below ggml's.
  package func searchWeights(
    _ values: UnsafeBufferPointer<Float>, importance: UnsafeBufferPointer<Float>,
    into weights: UnsafeMutableBufferPointer<Float>
  ) {
    precondition(values.count == importance.count && values.count == weights.count)
    guard let source = values.baseAddress else { return }
    quern_search_weights(source, importance.baseAddress, weights.baseAddress, values.count)
  }

  /// Writes each value times the factor; both buffers may be the same.
  package func scale(
    _ values: UnsafeBufferPointer<Float>, by factor: Float,
    into out: UnsafeMutableBufferPointer<Float>
  ) {
    precondition(values.count == out.count)
    guard let source = values.baseAddress else { return }
    quern_scale_values(source, factor, out.baseAddress, values.count)
  }

  /// The largest finite |value|; 0 where there is none.
  package func largestMagnitude(_ values: UnsafeBufferPointer<Float>) -> Float {
    values.baseAddress.map { quern_largest_magnitude($0, values.count) } ?? 0
  }
}

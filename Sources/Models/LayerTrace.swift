/// What a layer chose for each row.
package struct LayerTrace: Sendable {
  /// The experts of each row; nil in a layer without a router.
  package var experts: [[Int32]]?
  /// The compressed positions that the indexer chose for each row; nil in a layer without one.
  package var index: [[Int32]]?

  package init(experts: [[Int32]]? = nil, index: [[Int32]]? = nil) {
    (self.experts, self.index) = (experts, index)
  }
}

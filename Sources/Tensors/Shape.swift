/// The dimensions of a tensor, outermost first; the last one is contiguous.
public struct Shape: Hashable, Sendable, CustomStringConvertible {
  public let dimensions: [Int]

  public init(_ dimensions: [Int]) { self.dimensions = dimensions }

  public var rank: Int { dimensions.count }

  /// The product of the dimensions, or nil when it does not fit or one is negative.
  public var checkedElementCount: Int? {
    var product = 1
    for dimension in dimensions {
      guard dimension >= 0 else { return nil }
      let (result, overflow) = product.multipliedReportingOverflow(by: dimension)
      guard !overflow else { return nil }
      product = result
    }
    return product
  }

  /// Elements of a shape already known to be valid.
  public var elementCount: Int { dimensions.reduce(1, *) }

  /// Elements of one row: the last dimension. A vector is a column, rows of one element, so that what
  /// is done to the rows of a matrix can be done to the bias that goes with it.
  public var rowLength: Int { rank < 2 ? 1 : dimensions[rank - 1] }

  /// Rows: the product of all dimensions but the last, of a vector all its elements; 0 where there
  /// are no elements.
  public var rowCount: Int {
    if dimensions.contains(0) { return 0 }
    return (rank < 2 ? dimensions[...] : dimensions.dropLast()).reduce(1, *)
  }

  public var description: String { "[" + dimensions.map(String.init).joined(separator: ", ") + "]" }
}

extension Shape: ExpressibleByArrayLiteral {
  public init(arrayLiteral elements: Int...) { self.init(elements) }
}

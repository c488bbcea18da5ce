/// The choice of experts and of index entries.
package enum TopK {
  /// Indices of the `count` largest values, largest first; of equal ones the lowest index first.
  package static func indices(_ values: UnsafeBufferPointer<Float>, count: Int) -> [Int] {
    let order = values.indices.sorted {
      values[$0] != values[$1] ? values[$0] > values[$1] : $0 < $1
    }
    return Array(order.prefix(count))
  }
}

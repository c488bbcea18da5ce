/// The first index at which two arrays differ, the length of the shorter one where only lengths do,
/// nil when they are equal.
///
/// Long arrays are compared with this: an expectation that two of them are equal would, on failing,
/// spend minutes on the shortest edit between them.
package func firstDifference<Element: Equatable>(_ left: [Element]?, _ right: [Element]?) -> Int? {
  guard let left, let right else { return (left == nil) == (right == nil) ? nil : 0 }
  if let index = zip(left, right).enumerated().first(where: { $1.0 != $1.1 })?.offset {
    return index
  }
  return left.count == right.count ? nil : min(left.count, right.count)
}

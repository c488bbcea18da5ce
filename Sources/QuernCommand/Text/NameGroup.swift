/// Rows of a table that differ in nothing but the numbers in their names (layers, experts), shown as
/// one row with a count.
struct NameGroup<Attributes: Hashable> {
  let attributes: Attributes
  private(set) var count = 0
  private let parts: [Substring]
  /// The numbers seen in each part of the name that is one.
  private var numbers: [Int: Set<Int>] = [:]

  private init(name: String, attributes: Attributes) {
    parts = name.split(separator: ".", omittingEmptySubsequences: false)
    self.attributes = attributes
  }

  /// `blk.{0-42}.ffn_gate_exps.weight`; a star where the numbers are no unbroken run.
  var name: String {
    parts.enumerated().map { index, part in
      guard let numbers = numbers[index], numbers.count > 1 else { return String(part) }
      guard let low = numbers.min(), let high = numbers.max(), high - low == numbers.count - 1
      else { return "*" }
      return "{\(low)-\(high)}"
    }.joined(separator: ".")
  }

  private mutating func add(_ name: String) {
    count += 1
    for (index, part) in name.split(separator: ".", omittingEmptySubsequences: false).enumerated() {
      if let number = Self.number(part) { numbers[index, default: []].insert(number) }
    }
  }

  private static func number(_ part: Substring) -> Int? {
    // Signs and leading zeros are not numbers of layers.
    guard !part.isEmpty, part.utf8.allSatisfy({ (0x30...0x39).contains($0) }),
      part.utf8.count == 1 || part.first != "0"
    else { return nil }
    return Int(part)
  }

  private struct Key: Hashable {
    let pattern: String
    let attributes: Attributes
  }

  /// Groups in the order of their first rows.
  static func groups<Row>(
    _ rows: some Sequence<Row>, name: (Row) -> String, attributes: (Row) -> Attributes
  ) -> [NameGroup] {
    var positions: [Key: Int] = [:]
    var groups: [NameGroup] = []
    for row in rows {
      let rowName = name(row)
      let pattern = rowName.split(separator: ".", omittingEmptySubsequences: false)
        .map { number($0) == nil ? String($0) : "*" }.joined(separator: ".")
      let key = Key(pattern: pattern, attributes: attributes(row))
      let position = positions[key] ?? groups.count
      if position == groups.count {
        positions[key] = position
        groups.append(NameGroup(name: rowName, attributes: key.attributes))
      }
      groups[position].add(rowName)
    }
    return groups
  }
}

import QuernContainers

extension Products {
  /// Rows of a weight by their numbers, which may repeat: the embeddings of tokens. Each is read once.
  ///
  /// - Throws: `ModelError.data` for a number beyond the weight, or a row that is not finite.
  package func rows(of name: String, _ indices: [Int]) throws(ModelError) -> Activations {
    let weight = try weights.weight(name)
    if let beyond = indices.first(where: { $0 < 0 || $0 >= weight.rowsPerPart }) {
      throw .data(
        InputProblem(
          file: weight.checkpoint.folder, tensor: name, field: "row", found: "\(beyond)",
          expected: "a row below \(weight.rowsPerPart)"))
    }
    let unique = Set(indices).sorted()
    let reader = WeightReader(weights)
    let out = Activations(rows: indices.count, width: weight.columnCount)
    var places: [Int: [Int]] = [:]
    for (place, index) in indices.enumerated() { places[index, default: []].append(place) }
    for index in unique {
      count(weight, index..<index + 1)
      try reader.withRows(of: weight, index..<index + 1) { (row) throws(ModelError) in
        guard row.allSatisfy(\.isFinite) else {
          throw .data(
            InputProblem(
              file: weight.checkpoint.folder, tensor: name, field: "row \(index)",
              found: "a value that is not finite", expected: "finite weights"))
        }
        for place in places[index] ?? [] { _ = out.row(place).update(fromContentsOf: row) }
      }
    }
    return out
  }

  /// Rows of an index table by their numbers, which may repeat: [rows, columns].
  ///
  /// - Throws: `ModelError.data` for a table that does not hold integers.
  func integers(_ weight: Weight, rows indices: [Int]) throws(ModelError) -> [Int] {
    let reader = WeightReader(weights)
    var entries: [Int: [Int]] = [:]
    for index in Set(indices).sorted() {
      count(weight, index..<index + 1)
      entries[index] = try reader.integers(weight, rows: index..<index + 1)
    }
    return indices.flatMap { entries[$0] ?? [] }
  }
}

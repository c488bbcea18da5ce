extension Products {
  /// Reads and decodes every weight of a layer and drops it: what a forward pass costs without its
  /// products.
  package func readAll(layer: Int) throws(ModelError) {
    let prefix = "blk.\(layer)."
    var slices: [(weight: Weight, part: Int, rows: Range<Int>)] = []
    for name in weights.model.tensorNames where name.hasPrefix(prefix) {
      let weight = try weights.weight(name)
      guard !weight.tensor.isInteger else { continue }
      for part in 0..<weight.partCount {
        for first in stride(from: 0, to: weight.rowsPerPart, by: weight.sliceRows) {
          let end = min(first + weight.sliceRows, weight.rowsPerPart)
          slices.append((weight, part, first..<end))
        }
      }
    }
    let all = slices
    try workers.run(all.count) { [self] (worker, task) throws(ModelError) in
      let slice = all[task]
      count(slice.weight, part: slice.part, slice.rows)
      try reader(worker).withRows(of: slice.weight, part: slice.part, slice.rows) { _ in }
    }
  }
}

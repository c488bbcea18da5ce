/// How far the products of an emulated kernel are from those of the source's weights.
struct ParitySums: Sendable {
  /// Σ of the squared differences, and of the squared products of the source.
  var noise = 0.0
  var signal = 0.0
  /// Σ of the source's squared weights.
  var weightSignal = 0.0
  /// Σ of the squared differences between the sum over ranks and the whole product, for each way to
  /// split, and of the whole product.
  var splitNoise: [Double] = []
  var splitSignal = 0.0
  /// What is wrong with the bytes themselves; the first.
  var defect: (row: Int, found: String, expected: String)?

  mutating func add(_ other: ParitySums) {
    noise += other.noise
    signal += other.signal
    weightSignal += other.weightSignal
    if splitNoise.isEmpty { splitNoise = [Double](repeating: 0, count: other.splitNoise.count) }
    for (index, noise) in other.splitNoise.enumerated() { splitNoise[index] += noise }
    splitSignal += other.splitSignal
    defect = defect ?? other.defect
  }
}

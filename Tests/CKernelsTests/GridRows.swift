import QuernTestSupport

/// FP4 rows that encoders from the grid can stumble over.
enum GridRows {
  /// Random blocks; some of few codes, so that each lattice step gets its turn.
  static func blocks(_ count: Int, scales: ClosedRange<UInt8>, seed: UInt64) -> Grid {
    var generator = SeededGenerator(seed: seed)
    let palettes: [[UInt8]] = [
      Array(0..<16), [0, 8], [0, 3, 5, 7, 11, 13, 15], [0, 1, 2, 3, 4, 5, 9, 10, 13],
      [1, 2, 3, 6, 9, 10], [1, 9, 2, 10, 3, 14], [2, 4, 6, 10, 12], [7, 15, 2, 4],
      [1, 3, 9, 11, 7],
      [0, 7], [1, 15], [6, 14, 1],
    ]
    var grid = Grid(packed: [], scales: [])
    for block in 0..<count {
      let palette = palettes[block % palettes.count]
      for _ in 0..<16 {
        let low = palette.randomElement(using: &generator) ?? 0
        let high = palette.randomElement(using: &generator) ?? 0
        grid.packed.append(low | high << 4)
      }
      grid.scales.append(UInt8.random(in: scales, using: &generator))
    }
    return grid
  }
}

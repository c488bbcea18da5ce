/// The runs of tokens that go to each expert, one after the other.
struct TokenGroups {
  let ranges: [Range<Int>]

  /// - Throws: `KernelError.count` unless there is a size ≥ 0 for each expert and they add up.
  init(_ sizes: [Int], experts: Int, tokens: Int) throws(KernelError) {
    try KernelError.check("group sizes", sizes.count, expected: experts)
    var ranges: [Range<Int>] = []
    var first = 0
    for size in sizes {
      guard size >= 0, size <= tokens - first else {
        throw .count(of: "tokens", found: size, expected: tokens - first)
      }
      ranges.append(first..<first + size)
      first += size
    }
    try KernelError.check("tokens", first, expected: tokens)
    self.ranges = ranges
  }
}

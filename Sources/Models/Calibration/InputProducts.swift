import QuernKernels

/// Σ x xᵀ over rows of inputs, in blocks along the diagonal: float32 sums of some rows at a time, added
/// in float64.
final class InputProducts: @unchecked Sendable {
  // Unchecked because of the pointers: threads that add have blocks of their own.
  let widths: [Int]
  private(set) var rowCount = 0
  /// Of each block [width, width], of which the upper triangle is filled.
  private let blocks: [UnsafeMutablePointer<Double>]
  private let kernels = FloatProducts()

  init(widths: [Int]) {
    self.widths = widths
    blocks = widths.map { width in
      let block = UnsafeMutablePointer<Double>.allocate(capacity: width * width)
      block.initialize(repeating: 0, count: width * width)
      return block
    }
  }

  deinit { blocks.forEach { $0.deallocate() } }

  func add(_ x: Activations, _ workers: Workers) throws(ModelError) {
    rowCount += x.rowCount
    var firsts: [Int] = []
    var first = 0
    for width in widths {
      firsts.append(first)
      first += width
    }
    precondition(first == x.width)
    let places = firsts
    try workers.run(widths.count) { [self] _, block in
      guard let values = x.values.baseAddress else { return }
      kernels.addGram(
        x: values + places[block], rows: x.rowCount, columns: widths[block], stride: x.width,
        to: blocks[block])
    }
  }

  /// The sums of a block, rounded to float32, on both sides of the diagonal.
  func rounded(block: Int) -> [Float] {
    let (width, sums) = (widths[block], blocks[block])
    return [Float](unsafeUninitializedCapacity: width * width) { values, count in
      for row in 0..<width {
        for column in row..<width {
          let value = Float(sums[row * width + column])
          values[row * width + column] = value
          values[column * width + row] = value
        }
      }
      count = width * width
    }
  }
}

import QuernKernels
import QuernQuantization

/// Some rows of activations as a kernel takes them, rounded once for all slices of a weight.
enum ProductInputs: Sendable {
  /// Rows of activations as they are.
  case floats(Activations, rows: Range<Int>)
  case blocks(RoundedRows, NumberFormat)
  case integers(IntegerInputs)

  /// - Throws: `KernelError` for activations that the kernel does not take.
  init(_ x: Activations, rows: Range<Int>, for kernel: ProductKernel) throws(KernelError) {
    switch kernel {
    case .decoded: self = .floats(x, rows: rows)
    case .halves(let type):
      let copy = x.gathered(rows)
      copy.round(to: type)
      self = .floats(copy, rows: 0..<rows.count)
    case .blocks(let format):
      guard let rounding = format.activationRounding else {
        throw .blocks(columns: x.width, of: format.blockElements)
      }
      guard let base = x.values.baseAddress else {
        self = .floats(x, rows: rows)
        return
      }
      self = .blocks(
        try RoundedRows(
          base + rows.lowerBound * x.width, rows: rows.count, columns: x.width, to: rounding),
        format)
    case .integers(let activations):
      self = .integers(try Self.integers(x, rows, activations))
    }
  }

  /// Runtimes have activations in BF16.
  private static func integers(
    _ x: Activations, _ rows: Range<Int>, _ activations: ProductKernel.Quantized
  ) throws(KernelError) -> IntegerInputs {
    let values = try FloatMatrix(
      rows: rows.count, columns: x.width,
      values: Array(x.values[rows.lowerBound * x.width..<rows.upperBound * x.width])
    ).rounded(to: .bf16)
    switch activations {
    case .dynamic(let bits):
      return .dynamic(try DynamicQuantization.quantize(values, bits: bits))
    case .fixed(let scale, let offset): return try .fixed(values, scale: scale, offset: offset)
    case .floats: return .floats(values)
    }
  }
}

extension Activations {
  /// Rounds every value once.
  func round(to type: HalfType) {
    for index in values.indices { values[index] = type.rounded(values[index]) }
  }
}

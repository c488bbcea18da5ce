/// How large a model may become.
public enum Budget: Equatable, Sendable {
  /// Stored bits per weight over all tensors, headers left out.
  case bitsPerWeight(Double)
  /// Bytes of all output files.
  case byteCount(Int)

  /// The name of the recipe that it resolves to.
  var recipeName: String {
    switch self {
    case .bitsPerWeight(let bits): "budget-\(bits)bpw"
    case .byteCount(let count): "budget-\(count)B"
    }
  }

  /// What a plan has of it too much; at most 0 where it is met.
  func excess(of plan: ConversionPlan) -> Int {
    switch self {
    case .byteCount(let limit): plan.outputByteCount - limit
    case .bitsPerWeight(let bits):
      plan.tensors.reduce(0) { $0 + $1.byteCount }
        - Self.byteCount(bits, elements: plan.tensors.reduce(0) { $0 + $1.elementCount })
    }
  }

  /// Bytes of `elements` weights of so many bits each, rounded down.
  static func byteCount(_ bits: Double, elements: Int) -> Int {
    guard bits > 0 else { return 0 }
    // A product is not a byte short because the bits are no binary fraction.
    return Int(exactly: (bits * Double(elements) / 8 + 1e-6).rounded(.down)) ?? .max
  }
}

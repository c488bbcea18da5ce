import QuernQuantization

/// Why a kernel cannot be run on what it is given.
package enum KernelError: Error, Equatable, Sendable {
  /// A number of elements that is not that of the shape.
  case count(of: String, found: Int, expected: Int)
  /// A row length of the activations that is not that of the weights.
  case inputs(found: Int, expected: Int)
  /// Inputs that groups of equal size do not divide.
  case groups(inputs: Int, groups: Int)
  /// An activation, at an index, that is infinite or a NaN.
  case nonFinite(index: Int)
  /// An offset that nine bits do not hold.
  case offset(Int)
  /// A code of int4, at an index, that is not −8 … 7.
  case code(index: Int, found: Int8)
  /// Rows that are no whole blocks.
  case blocks(columns: Int, of: Int)
  /// Activations that are not rounded as weights of a format require.
  case rounding(found: ActivationRounding, weights: NumberFormat)

  static func check(_ what: String, _ found: Int, expected: Int) throws(KernelError) {
    if found != expected { throw .count(of: what, found: found, expected: expected) }
  }

  static func check(_ what: String, _ found: Int, expected rows: Int, times columns: Int)
    throws(KernelError)
  {
    let (expected, overflow) = rows.multipliedReportingOverflow(by: columns)
    guard rows >= 0, columns >= 0, !overflow else {
      throw .count(of: what, found: found, expected: overflow ? .max : 0)
    }
    try check(what, found, expected: expected)
  }
}

extension KernelError: CustomStringConvertible {
  package var description: String {
    switch self {
    case .count(let what, let found, let expected):
      "\(what): \(found) found, expected \(expected)"
    case .inputs(let found, let expected):
      "activations: rows of \(found) found, expected \(expected), the inputs of the weights"
    case .groups(let inputs, let groups):
      "scales: \(groups) groups found, which do not divide \(inputs) inputs"
    case .nonFinite(let index): "activations: element \(index) is not finite"
    case .offset(let offset): "offset: \(offset) found, expected -256 to 255"
    case .code(let index, let found): "codes: \(found) found at \(index), expected -8 to 7"
    case .blocks(let columns, let length):
      "activations: rows of \(columns) found, expected a multiple of \(length)"
    case .rounding(let found, let format):
      "activations: rounded to \(found.rawValue), expected"
        + " \(format.activationRounding?.rawValue ?? "none") for weights of \(format.rawValue)"
    }
  }
}

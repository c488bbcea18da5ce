/// How many weights a model has, as the size label counts them.
package struct ParameterCount: Equatable, Sendable {
  /// All weights.
  package private(set) var total = 0
  /// All weights but those of the routed experts.
  package private(set) var shared = 0
  /// Weights of one routed expert in every layer.
  package private(set) var perExpert = 0
  private var expertSum = 0
  private var expertTensors = 0

  package init() {}

  /// Experts of a layer, averaged over layers; 0 for a dense model.
  package var expertCount: Int { expertTensors == 0 ? 0 : expertSum / expertTensors }

  /// Adds an output tensor. Counts that do not fit stay at the largest number: the tensors'
  /// own sizes are checked elsewhere.
  ///
  /// - Parameters:
  ///   - elementCount: of the whole tensor.
  ///   - experts: for a stack of routed experts how many there are, otherwise nil.
  package mutating func add(elementCount: Int, experts: Int? = nil) {
    total = Self.sum(total, elementCount)
    if let experts, experts > 0 {
      perExpert = Self.sum(perExpert, elementCount / experts)
      expertSum = Self.sum(expertSum, experts)
      expertTensors += 1
    } else {
      shared = Self.sum(shared, elementCount)
    }
  }

  private static func sum(_ left: Int, _ right: Int) -> Int {
    let (result, overflow) = left.addingReportingOverflow(right)
    return overflow ? .max : result
  }

  /// `260K`, `4.2M`, or `8x4.6M` for eight experts; nil for no weights.
  ///
  /// With experts, the number is all other weights and one expert of every layer.
  package var sizeLabel: String? {
    guard total > 0 else { return nil }
    guard expertCount > 0 else { return Self.rounded(total) }
    return "\(expertCount)x\(Self.rounded(Self.sum(shared, perExpert)))"
  }

  /// The count in thousands, millions, …, with decimals up to two digits in all.
  static func rounded(_ count: Int) -> String {
    let value = Double(count)
    return switch value {
    case let value where value > 1e12: text(value * 1e-12) + "T"
    case let value where value > 1e9: text(value * 1e-9) + "B"
    case let value where value > 1e6: text(value * 1e-6) + "M"
    default: text(value * 1e-3) + "K"
    }
  }

  private static func text(_ value: Double) -> String {
    let whole = Int(value.rounded(.toNearestOrEven))
    let decimals = max(0, 2 - (whole == 0 ? 0 : String(whole).count))
    guard decimals > 0 else { return String(whole) }
    let scale = decimals == 1 ? 10 : 100
    let digits = Int(scaled(value, by: UInt64(scale)))
    let fraction = String(digits % scale)
    return "\(digits / scale)."
      + String(repeating: "0", count: decimals - fraction.count) + fraction
  }

  /// A value below 16 times `scale`, exactly, then rounded to nearest, ties to even: what
  /// printf's `%.1f` does with the binary value.
  private static func scaled(_ value: Double, by scale: UInt64) -> UInt64 {
    guard value > 0 else { return 0 }
    let shift = 52 - Int(value.exponent)
    guard shift < 63 else { return 0 }
    let product = (value.significandBitPattern | 1 << 52) * scale
    let whole = product >> UInt64(shift)
    let rest = product & (1 << UInt64(shift) - 1)
    let half = UInt64(1) << UInt64(shift - 1)
    return rest > half || rest == half && whole % 2 == 1 ? whole + 1 : whole
  }
}

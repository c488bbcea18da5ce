import QuernConversion
import QuernQuantization

extension PlannedTensor {
  /// The number format, in tests that plan nothing else.
  var format: NumberFormat {
    guard case .numbers(let format) = storage else {
      preconditionFailure("\(name) is a matrix of integers")
    }
    return format
  }
}

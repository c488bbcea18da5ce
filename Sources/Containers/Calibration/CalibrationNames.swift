/// How the tensors and metadata of a calibration file are named.
package enum CalibrationNames {
  package static func count(_ weight: String) -> String { weight + countSuffix }
  package static func range(_ weight: String) -> String { weight + ".range" }
  package static func maxima(_ weight: String) -> String { weight + ".maxima" }
  package static func means(_ weight: String) -> String { weight + ".means" }
  package static func hessian(_ weight: String, block: Int) -> String {
    "\(weight).hessian.\(block)"
  }

  /// The metadata key that tells whose inputs a weight shares.
  package static func sharing(_ weight: String) -> String { sharedPrefix + weight }

  static let countSuffix = ".count"
  static let sharedPrefix = "inputs of "
}

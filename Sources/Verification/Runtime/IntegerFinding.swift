/// What the integers of a chunk, or of a whole tensor, showed beside their values.
struct IntegerFinding: Sendable {
  /// A derived number that is not what follows from codes and scales.
  struct Derivation: Sendable {
    /// Of the stored tensor.
    let name: String
    let row: Int
    let found: String
    let expected: String
  }

  /// A row that is farther from its source than its type explains.
  struct FarRow: Sendable {
    let row: Int
    /// √(noise / signal).
    let error: Double
    let limit: Double
  }

  /// The first of each kind.
  var derivation: Derivation?
  var farRow: FarRow?
  /// Scales that are no BF16 numbers.
  var scalesBeyondBF16 = 0
  /// Scales of which the matrix unit of the hardware cuts bits.
  var scalesBeyondFP19 = 0
  var largestCode = 0
  var parity = ParitySums()

  mutating func add(_ other: IntegerFinding) {
    derivation = derivation ?? other.derivation
    farRow = farRow ?? other.farRow
    scalesBeyondBF16 += other.scalesBeyondBF16
    scalesBeyondFP19 += other.scalesBeyondFP19
    largestCode = max(largestCode, other.largestCode)
    parity.add(other.parity)
  }

  /// Keeps the first.
  mutating func report(_ derivation: Derivation) {
    if self.derivation == nil { self.derivation = derivation }
  }
}

extension VerificationReport {
  /// Reports what no figure shows.
  mutating func fail(_ finding: IntegerFinding, file: String, tensor: String) {
    if let wrong = finding.derivation {
      fail(
        file, tensor: wrong.name, "row \(wrong.row)", found: wrong.found,
        expected: wrong.expected)
    }
    if let far = finding.farRow {
      fail(
        file, tensor: tensor, "row \(far.row), relative error", found: "\(far.error)",
        expected: "at most \(far.limit), which is what its type explains")
    }
  }
}

import CKernels

/// Rows on the FP4 grid as plain integers with a power of two as the scale of each group or row: what
/// formats of int8 and int4 outside of GGUF are made of, where they are exact.
package struct GridIntegers: Sendable {
  /// One for each element, from −(2^(bits−1) − 1) to 2^(bits−1) − 1.
  package let codes: [Int8]
  /// The scale of group g is 2^exponents[g]; 0 for groups of zeros.
  package let exponents: [Int16]

  /// Encodes whole groups, or returns nil where a group is not exact.
  ///
  /// One is when its units, the powers of two that its codes are multiples of, are close enough: the
  /// largest code times 2^(unit's exponent − the scale's) must be an integer that fits. Int8 holds
  /// all groups of which the scale bytes are at most 3 apart.
  ///
  /// - Parameters:
  ///   - group: elements that share a scale, a multiple of 32 that divides the row.
  ///   - bits: 8 or 4.
  package init?(_ row: GridRow, group: Int, bits: Int = 8) {
    precondition(group > 0 && group % 32 == 0 && row.count % group == 0)
    precondition(bits == 8 || bits == 4)
    let groups = row.count / group
    var exponents = [Int16](repeating: 0, count: groups)
    var exact = 0
    codes = [Int8](unsafeUninitializedCapacity: row.count) { codes, initialized in
      guard let base = codes.baseAddress else { return }
      exact = quern_integers_from_e2m1(
        row.packed.baseAddress, row.scales.baseAddress, group, bits == 8 ? 127 : 7, base,
        &exponents, row.count)
      initialized = exact * group
    }
    guard exact == groups else { return nil }
    self.exponents = exponents
  }
}

import QuernConversion
import QuernQuantization
import QuernTensors

/// Derives again what is stored beside codes and scales of some rows, and judges the scales
/// themselves.
///
/// With a certificate every number must be the one that follows. Without, another producer may have
/// summed in float32 and in another order.
struct DerivedParts {
  private let stored: StoredRows
  private let tile: IntegerTile
  private let rows: Range<Int>

  /// How far sums in float32 may be off, as a part of the sum of magnitudes.
  private static let sumTolerance = 1e-4

  /// - Parameter rows: those of the tile, counted from the first that is stored.
  init(_ stored: StoredRows, _ tile: IntegerTile, _ rows: Range<Int>) {
    (self.stored, self.tile, self.rows) = (stored, tile, rows)
  }

  private var isExact: Bool { stored.tensor.tolerance == nil }
  private var firstRow: Int { stored.rows.lowerBound + rows.lowerBound }

  func check(_ finding: inout IntegerFinding) {
    stored.forEachPart(rows) { part, bytes in
      switch part.content {
      case .codes: checkCodes(part, &finding)
      case .scales, .productScales: checkScales(part, &finding)
      case .zeroOffsets: checkZeros(part, bytes, &finding)
      case .splitCorrection(let runs): checkSplitCorrection(part, bytes, runs, &finding)
      case .offsetCorrection: checkOffsetCorrection(part, bytes, &finding)
      case .values, .fractalNZ: break
      }
      if part.content == .productScales, isExact { checkProducts(part, bytes, &finding) }
    }
  }

  private func report(
    _ part: StoredPart, row: Int, found: String, expected: String,
    _ finding: inout IntegerFinding
  ) {
    finding.report(
      .init(name: part.name, row: firstRow + row, found: found, expected: expected))
  }

  // MARK: Codes and scales

  private func checkCodes(_ part: StoredPart, _ finding: inout IntegerFinding) {
    let limits: ClosedRange<Int8> =
      tile.storage.bits == .four ? -8...7 : isExact ? -127...127 : -128...127
    for (index, code) in tile.codes.enumerated() {
      finding.largestCode = max(finding.largestCode, Int(code.magnitude))
      if !limits.contains(code) {
        report(
          part, row: index / tile.rowLength, found: "the code \(code)",
          expected: "\(limits.lowerBound) to \(limits.upperBound)", &finding)
      }
    }
  }

  private func checkScales(_ part: StoredPart, _ finding: inout IntegerFinding) {
    for (index, scale) in tile.scales.enumerated() {
      let row = index / tile.groupsPerRow
      if !(scale.isFinite && scale > 0) {
        report(
          part, row: row, found: "the scale \(scale)", expected: "a finite number above 0",
          &finding)
      }
      guard part.content == .scales else { continue }
      if scale.bitPattern & 0x1fff != 0 { finding.scalesBeyondFP19 += 1 }
      if scale.bitPattern & 0xffff != 0 {
        finding.scalesBeyondBF16 += 1
        if isExact {
          report(
            part, row: row, found: "the scale \(scale)", expected: "a number of BF16", &finding)
        }
      }
    }
  }

  private func checkZeros(
    _ part: StoredPart, _ bytes: UnsafeRawBufferPointer, _ finding: inout IntegerFinding
  ) {
    for index in tile.scales.indices {
      let value = IntegerTile.number(bytes, part.elementType ?? .f32, at: index)
      if value != 0 || isExact && value.sign == .minus {
        report(
          part, row: index / tile.groupsPerRow, found: "the offset \(value)",
          expected: "0: codes are symmetric, and kernels disagree about the sign of offsets",
          &finding)
      }
    }
  }

  // MARK: Sums

  private func checkSplitCorrection(
    _ part: StoredPart, _ bytes: UnsafeRawBufferPointer, _ runs: Int,
    _ finding: inout IntegerFinding
  ) {
    let length = tile.rowLength / runs
    for row in 0..<tile.rowCount {
      let scale = Double(tile.scales[row])
      for run in 0..<runs {
        let start = row * tile.rowLength + run * length
        var (sum, magnitudes) = (0, 0)
        for code in tile.codes[start..<start + length] {
          sum += Int(code)
          magnitudes += Int(code.magnitude)
        }
        let wanted = 8 * Double(sum) * scale
        let found = Float(bitPattern: bytes.littleEndianUInt32(at: 4 * (row * runs + run)))
        let allowed = Self.sumTolerance * 8 * Double(magnitudes) * scale.magnitude + 1e-6
        let isRight =
          isExact
          ? found.bitPattern == Float(wanted).bitPattern
          : (Double(found) - wanted).magnitude <= allowed
        if !isRight {
          return report(
            part, row: row, found: "\(found) in column \(run)",
            expected: "\(Float(wanted)), which is 8 times the sum of its codes by their scale",
            &finding)
        }
      }
    }
  }

  private func checkProducts(
    _ part: StoredPart, _ bytes: UnsafeRawBufferPointer, _ finding: inout IntegerFinding
  ) {
    let input = stored.tensor.input?.scale ?? 1
    for row in 0..<tile.rowCount {
      let found = IntegerTile.number(bytes, part.elementType ?? .f32, at: row)
      let scale = BF16.decode(BF16.encode(tile.scales[row]))
      if input * scale != found {
        report(
          part, row: row, found: "\(found)",
          expected: "\(input * scale), the scale of the inputs by a number of BF16", &finding)
      }
    }
  }

  private func checkOffsetCorrection(
    _ part: StoredPart, _ bytes: UnsafeRawBufferPointer, _ finding: inout IntegerFinding
  ) {
    let offset = stored.tensor.input?.offset ?? 0
    for row in 0..<tile.rowCount {
      let start = row * tile.rowLength
      let sum = tile.codes[start..<start + tile.rowLength].reduce(0) { $0 + Int($1) }
      let found = Int(Int32(bitPattern: bytes.littleEndianUInt32(at: 4 * row)))
      if found != Int(Int32(clamping: -offset * sum)) {
        report(
          part, row: row, found: "\(found)",
          expected: "\(-offset * sum), the offset of the inputs by the sum of its codes, negated",
          &finding)
      }
    }
  }
}

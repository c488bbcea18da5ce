import QuernCertificates
import QuernCheckpoints
import QuernContainers
import QuernLayouts
import QuernQuantization
import QuernTensors

/// Checks single chunks: hashes output and sources, decodes both with the reference decoders and
/// compares them value by value.
///
/// Nothing here is shared with the conversion but the files it reads; of the kernels in C it uses
/// the hash alone.
final class ChunkChecker {
  /// Elements that are decoded at a time, on either side.
  static let tileElementCount = 1 << 14

  let files: [InputFile]
  let checkpoint: Checkpoint?
  let pool: FilePool
  var source: [Float] = []
  var decoded: [Float] = []

  init(files: [InputFile], checkpoint: Checkpoint?, pool: FilePool) {
    self.files = files
    self.checkpoint = checkpoint
    self.pool = pool
  }

  /// Checks one chunk.
  ///
  /// - Returns: what it showed, and how many bytes were looked at.
  func check(_ tensor: CheckedTensor, chunk: Int) throws(FileError) -> (ChunkFinding, Int) {
    if case .integers(let storage) = tensor.storage {
      return try checkIntegers(tensor, storage, chunk: chunk)
    }
    let (part, rows) = tensor.grid.rows(ofChunk: chunk)
    let firstRow = part * tensor.grid.rowsPerPart + rows.lowerBound
    let output = try files[tensor.file].bytes(
      in: ByteRange(
        offset: tensor.offset + firstRow * tensor.rowByteCount,
        byteCount: rows.count * tensor.rowByteCount))
    let runs = try self.runs(of: tensor, part: part, rows: rows)
    var finding = ChunkFinding()
    finding.digest = Self.digest(output)
    finding.sourceDigests = runs.map {
      (Self.digest($0.codes), $0.tensor.scale == nil ? nil : Self.digest($0.scales))
    }
    Self.countScales(of: tensor.format, output, into: &finding.counts)
    if tensor.hasGridBound, let run = runs.first { finding.errorBound = Self.bound(run.scales) }
    if tensor.format == .i32 {
      finding.sums = compareTable(
        tensor, runs.first, firstRow: firstRow, rows: rows.count, output)
    } else {
      compareValues(tensor, runs, firstRow: firstRow, rows: rows, output, into: &finding)
    }
    let sourceByteCount = runs.reduce(0) { $0 + $1.codes.count + $1.scales.count }
    return (finding, output.count + sourceByteCount)
  }

  /// The sources of a chunk: row r of part p of a stack is row r of its source number p; joined
  /// columns have all sources side by side; of a part that is transposed, every row is needed.
  func runs(of tensor: CheckedTensor, part: Int, rows: Range<Int>) throws(FileError)
    -> [SourceRun]
  {
    guard let checkpoint, let expression = tensor.expression else { return [] }
    let sources = expression.isStack ? [expression.sources[part]] : expression.sources
    var runs: [SourceRun] = []
    var column = 0
    for source in sources {
      let needed = expression.isTransposed ? 0..<source.rowCount : rows
      runs.append(
        try SourceRun(
          checkpoint.tensors[source.tensor], firstRow: source.firstRow + needed.lowerBound,
          rowCount: needed.count, column: column, checkpoint: checkpoint, pool: pool))
      column += runs[runs.count - 1].columnCount
    }
    return runs
  }

  static func digest(_ bytes: [UInt8]) -> [UInt8] {
    bytes.withUnsafeBytes { RowKernels.best.blake3($0) }
  }
}

// MARK: - Values

extension ChunkChecker {
  private func compareValues(
    _ tensor: CheckedTensor, _ runs: [SourceRun], firstRow: Int, rows: Range<Int>,
    _ output: [UInt8], into finding: inout ChunkFinding
  ) {
    var permutation: HeadPermutation?
    if case .permuteHeads(_, let headRows) = tensor.expression {
      permutation = HeadPermutation(headRows: headRows)
    }
    // What is permuted is not rotated.
    let heads = max(tensor.rowGranule, permutation?.headRows ?? 1)
    let wanted = max(1, Self.tileElementCount / max(1, tensor.rowLength))
    let tileRows = max(heads, wanted / heads * heads)
    var comparison = LaneComparison()
    for first in stride(from: 0, to: rows.count, by: tileRows) {
      let tile = first..<min(first + tileRows, rows.count)
      decodeOutput(tensor, tile, output)
      multiply(tensor, firstRow: firstRow + first)
      if case .values(let values) = tensor.expression {
        let start = (firstRow + first) * tensor.rowLength
        source = Array(values[start..<start + tile.count * tensor.rowLength])
      } else if runs.isEmpty {
        source = []
      } else {
        decodeSource(tensor, runs, permutation, tile, firstRow: rows.lowerBound)
        if tensor.replacesNonFinite {
          finding.counts.zeroedNonFinite += Self.replaceNonFinite(in: &source)
        }
        tensor.rotation?.apply(to: &source, rowLength: tensor.rowLength)
        if finding.wrongRow == nil,
          let row = wrongRow(
            tensor, runs, tile, firstRow: rows.lowerBound,
            secondScale: tensor.secondScale(ofRow: firstRow), output)
        {
          finding.wrongRow = firstRow + row
        }
        if finding.integers.farRow == nil, let tolerance = tensor.tolerance {
          finding.integers.farRow = tolerance.firstFarRow(
            source: source, decoded: decoded, rowLength: tensor.rowLength,
            firstRow: firstRow + first)
        }
      }
      compareTile(position: first * tensor.rowLength, hasSource: !source.isEmpty, &comparison)
    }
    finding.sums = comparison.sums
  }

  private func decodeOutput(_ tensor: CheckedTensor, _ tile: Range<Int>, _ output: [UInt8]) {
    let count = tile.count * tensor.rowLength
    if decoded.count != count { decoded = Array(repeating: 0, count: count) }
    decoded.withUnsafeMutableBufferPointer { values in
      output.withUnsafeBytes { bytes in
        let start = tile.lowerBound * tensor.rowByteCount
        let end = tile.upperBound * tensor.rowByteCount
        ReferenceDecoder.decode(
          tensor.format, UnsafeRawBufferPointer(rebasing: bytes[start..<end]), into: values)
      }
    }
  }

  /// Multiplies decoded rows by the second scale of their expert.
  private func multiply(_ tensor: CheckedTensor, firstRow: Int) {
    guard tensor.secondScales.contains(where: { $0 != 1 }) else { return }
    decoded.withUnsafeMutableBufferPointer { values in
      for row in 0..<values.count / tensor.rowLength {
        let factor = tensor.secondScale(ofRow: firstRow + row)
        for index in row * tensor.rowLength..<(row + 1) * tensor.rowLength {
          values[index] *= factor
        }
      }
    }
  }

  /// Puts every source row where it belongs. Rows of a permuted tensor stay inside their head, and a
  /// tile holds whole heads; a place outside the tile would be a mistake in the plan, and the row is
  /// left out, which the comparison shows.
  func decodeSource(
    _ tensor: CheckedTensor, _ runs: [SourceRun], _ permutation: HeadPermutation?,
    _ tile: Range<Int>, firstRow: Int
  ) {
    let count = tile.count * tensor.rowLength
    if source.count != count { source = Array(repeating: 0, count: count) }
    if tensor.expression?.isTransposed ?? false {
      return decodeColumns(
        firstRow + tile.lowerBound..<firstRow + tile.upperBound, runs, rowLength: tensor.rowLength)
    }
    source.withUnsafeMutableBufferPointer { values in
      for row in tile {
        let place =
          (permutation?.outputRow(ofSourceRow: firstRow + row) ?? firstRow + row) - firstRow
        guard tile.contains(place) else { continue }
        for run in runs {
          let start = (place - tile.lowerBound) * tensor.rowLength + run.column
          run.decode(
            row: row,
            into: UnsafeMutableBufferPointer(rebasing: values[start..<start + run.columnCount]))
        }
      }
    }
  }

  /// Makes rows of columns of a source: element r of the row for a column is that of source row r.
  private func decodeColumns(_ columns: Range<Int>, _ runs: [SourceRun], rowLength: Int) {
    for run in runs {
      var row = [Float](repeating: 0, count: run.columnCount)
      for index in 0..<min(run.rowCount, rowLength) {
        row.withUnsafeMutableBufferPointer { run.decode(row: index, into: $0) }
        for (place, column) in columns.enumerated() where row.indices.contains(column) {
          source[place * rowLength + index] = row[column]
        }
      }
    }
  }

  /// The first row of a tile, counted from the chunk's first, that is not what the method gives.
  ///
  /// - Parameter secondScale: of these rows, a power of two; a chunk is of one expert.
  private func wrongRow(
    _ tensor: CheckedTensor, _ runs: [SourceRun], _ tile: Range<Int>, firstRow: Int,
    secondScale: Float, _ output: [UInt8]
  ) -> Int? {
    guard let method = tensor.method, let run = runs.first else { return nil }
    // A NaN scale has no grid: the chunk that holds one is encoded from values.
    if method == .gridAware, run.scales.contains(255) { return nil }
    var scales = method == .gridAware ? gridScales(tensor, run, tile, firstRow: firstRow) : nil
    let exponent = Int(secondScale.exponent)
    if exponent != 0 { scales = scales?.map { UInt8(clamping: Int($0) - exponent) } }
    let check = MethodCheck(
      method: method, format: tensor.format, isWeighted: tensor.isWeighted)
    let bytes = tile.lowerBound * tensor.rowByteCount..<tile.upperBound * tensor.rowByteCount
    let factor = Float(sign: .plus, exponent: -exponent, significand: 1)
    let (source, decoded) =
      exponent == 0
      ? (self.source, self.decoded)
      : (self.source.map { $0 * factor }, self.decoded.map { $0 * factor })
    let violation = source.withUnsafeBufferPointer { source in
      decoded.withUnsafeBufferPointer { decoded in
        output.withUnsafeBytes {
          check.firstViolation(
            source: source, stored: UnsafeRawBufferPointer(rebasing: $0[bytes]), decoded: decoded,
            scales: scales)
        }
      }
    }
    return violation.map { tile.lowerBound + $0 * tensor.format.blockElements / tensor.rowLength }
  }

  /// The scale bytes of a tile, one for each block of 32, in the order of the output.
  func gridScales(
    _ tensor: CheckedTensor, _ run: SourceRun, _ tile: Range<Int>, firstRow: Int
  ) -> [UInt8] {
    let perRow = run.tensor.scaleRowByteCount
    guard case .permuteHeads(_, let headRows) = tensor.expression else {
      return Array(run.scales[tile.lowerBound * perRow..<tile.upperBound * perRow])
    }
    let permutation = HeadPermutation(headRows: headRows)
    var scales = [UInt8](repeating: 0, count: tile.count * perRow)
    for row in tile {
      let place = permutation.outputRow(ofSourceRow: firstRow + row) - firstRow
      guard tile.contains(place) else { continue }
      let start = (place - tile.lowerBound) * perRow
      scales.replaceSubrange(
        start..<start + perRow, with: run.scales[row * perRow..<(row + 1) * perRow])
    }
    return scales
  }

  static func replaceNonFinite(in values: inout [Float]) -> Int {
    var count = 0
    values.withUnsafeMutableBufferPointer { values in
      for index in values.indices where !values[index].isFinite {
        values[index] = 0
        count += 1
      }
    }
    return count
  }

  /// Without a source the output is compared with itself: its own sum remains.
  func compareTile(position: Int, hasSource: Bool, _ comparison: inout LaneComparison) {
    decoded.withUnsafeBufferPointer { decoded in
      guard hasSource else {
        return comparison.add(source: decoded, output: decoded, position: position)
      }
      source.withUnsafeBufferPointer {
        comparison.add(source: $0, output: decoded, position: position)
      }
    }
  }

  private func compareTable(
    _ tensor: CheckedTensor, _ run: SourceRun?, firstRow: Int, rows: Int, _ output: [UInt8]
  ) -> ErrorSums {
    var constants: [Float]?
    if case .values(let values) = tensor.expression { constants = values }
    var comparison = LaneComparison()
    output.withUnsafeBytes { bytes in
      for row in 0..<rows {
        for column in 0..<tensor.rowLength {
          let index = row * tensor.rowLength + column
          let written = Int32(bitPattern: bytes.littleEndianUInt32(at: 4 * index))
          comparison.add(
            entry: run?.entry(row: row, column: column)
              ?? constants.map { Int($0[firstRow * tensor.rowLength + index]) } ?? Int(written),
            output: written,
            position: index)
        }
      }
    }
    return comparison.sums
  }
}

import CKernels

/// Rows as integers with scales in a plane of their own.
///
/// A group of zeros has the scale 1: runtimes want scales above 0. A scale that its type cannot hold
/// is infinite, for the caller to report.
extension RowKernels {
  /// Encodes whole rows of finite values. The last group of a row may be a partial one.
  ///
  /// - Parameter weights: one finite value ≥ 0 for each of `values`, by which `optimal` weighs squared
  ///   errors, or nil where all count the same.
  package func encode(
    _ storage: IntegerStorage, rowLength: Int, _ values: UnsafeBufferPointer<Float>,
    method: IntegerGroups.Method, weights: UnsafeBufferPointer<Float>?,
    into planes: IntegerPlanes
  ) {
    check(storage, rowLength, values.count, weights?.count, planes)
    forEachRun(storage, rowLength, values.count) { run in
      guard let source = values.baseAddress, let codes = planes.codes.baseAddress,
        let scales = planes.scales.baseAddress
      else { return }
      var layout = run.layout.kernelLayout
      let target = quern_integer_planes(
        codes: codes + run.start, scales: scales + run.firstGroup, zero_points: nil)
      switch method {
      case .absmax:
        kernels.integers_by_absmax(&layout, source + run.start, target, run.count)
      case .optimal:
        let weights = weights?.baseAddress.map { $0 + run.start }
        kernels.integers_optimally(&layout, source + run.start, weights, target, run.count)
      }
    }
    replaceZeroScales(planes)
  }

  /// Encodes whole rows on the FP4 grid: exactly where the integers can hold a group, otherwise with
  /// the least weighted squared error.
  ///
  /// - Parameter weights: one finite value ≥ 0 for each element, or nil where all count the same.
  /// - Returns: how many groups are exact.
  package func encode(
    _ storage: IntegerStorage, rowLength: Int, _ grid: GridRow,
    weights: UnsafeBufferPointer<Float>?, into planes: IntegerPlanes
  ) -> Int {
    check(storage, rowLength, grid.count, weights?.count, planes)
    precondition(rowLength % 32 == 0 && storage.groupElements(rowLength: rowLength) % 32 == 0)
    var exact = 0
    forEachRun(storage, rowLength, grid.count) { run in
      exact += encode(run, grid, weights: weights, into: planes)
    }
    return exact
  }

  /// code · scale in float32, rounded once.
  package func decode(
    _ storage: IntegerStorage, rowLength: Int, codes: UnsafeBufferPointer<Int8>,
    scales: UnsafeBufferPointer<Float>, into values: UnsafeMutableBufferPointer<Float>
  ) {
    precondition(codes.count == values.count && rowLength > 0 && codes.count % rowLength == 0)
    precondition(
      scales.count == codes.count / rowLength * storage.groupsPerRow(rowLength: rowLength))
    forEachRun(storage, rowLength, codes.count) { run in
      guard let source = codes.baseAddress, let out = values.baseAddress else { return }
      kernels.f32_from_integers(
        source + run.start, scales.baseAddress.map { $0 + run.firstGroup },
        run.layout.groupElements, out + run.start, run.count)
    }
  }

  /// Encodes one run; groups that the kernel leaves alone, those of unusual exponents, from floats.
  private func encode(
    _ run: Run, _ grid: GridRow, weights: UnsafeBufferPointer<Float>?, into planes: IntegerPlanes
  ) -> Int {
    guard let packed = grid.packed.baseAddress, let exponents = grid.scales.baseAddress,
      let codes = planes.codes.baseAddress, let scales = planes.scales.baseAddress
    else { return 0 }
    var layout = run.layout.kernelLayout
    let target = quern_integer_planes(
      codes: codes + run.start, scales: scales + run.firstGroup, zero_points: nil)
    var exact = kernels.integers_from_e2m1(
      &layout, packed + run.start / 2, exponents + run.start / 32,
      weights?.baseAddress.map { $0 + run.start }, target, run.count)
    let length = run.layout.groupElements
    for group in 0..<run.count / length where scales[run.firstGroup + group] < 0 {
      let range = run.start + group * length..<run.start + (group + 1) * length
      let part = IntegerPlanes(
        codes: .init(rebasing: planes.codes[range]),
        scales: .init(start: scales + run.firstGroup + group, count: 1))
      if encodeUnusual(run.layout, grid, range, weights, into: part) { exact += 1 }
    }
    return exact
  }

  /// Encodes one group by a power of two where that is exact, otherwise from floats. Allocates, which
  /// no group of weights should make it do.
  private func encodeUnusual(
    _ layout: IntegerGroupLayout, _ grid: GridRow, _ range: Range<Int>,
    _ weights: UnsafeBufferPointer<Float>?, into planes: IntegerPlanes
  ) -> Bool {
    let row = grid.elements(range)
    let top = Int32(layout.codes.upperBound)
    var exponent: Int16 = 0
    let exact = quern_integers_from_e2m1(
      row.packed.baseAddress, row.scales.baseAddress, row.count, top, planes.codes.baseAddress,
      &exponent, row.count)
    if exact == 1 {
      planes.scales[0] = Float(sign: .plus, exponent: Int(exponent), significand: 1)
      return true
    }
    let storage = IntegerStorage(bits: layout.bits, packing: .bytes)
    let own = weights.map { UnsafeBufferPointer(rebasing: $0[range]) }
    return withUnsafeTemporaryAllocation(of: Float.self, capacity: 2 * row.count) { buffer in
      let values = UnsafeMutableBufferPointer(rebasing: buffer[..<row.count])
      let decoded = UnsafeMutableBufferPointer(rebasing: buffer[row.count...])
      decode(row, into: values)
      encode(
        storage, rowLength: row.count, .init(values), method: .optimal, weights: own, into: planes)
      decode(
        storage, rowLength: row.count, codes: .init(planes.codes), scales: .init(planes.scales),
        into: decoded)
      return zip(values, decoded).allSatisfy { $0 == $1 }
    }
  }

  /// Groups of one length that follow each other.
  private struct Run {
    let layout: IntegerGroupLayout
    let start: Int
    let count: Int
    let firstGroup: Int
  }

  /// All rows at once where no group is a partial one; otherwise the whole groups of each row, and
  /// its last.
  private func forEachRun(
    _ storage: IntegerStorage, _ rowLength: Int, _ count: Int, _ body: (Run) -> Void
  ) {
    let group = storage.groupElements(rowLength: rowLength)
    let whole = storage.layout(rowLength: rowLength)
    let rest = rowLength % group
    guard rest > 0 else {
      return body(Run(layout: whole, start: 0, count: count, firstGroup: 0))
    }
    var partial = whole
    partial.groupElements = rest
    let groups = storage.groupsPerRow(rowLength: rowLength)
    for row in 0..<count / rowLength {
      let (start, first) = (row * rowLength, row * groups)
      body(Run(layout: whole, start: start, count: rowLength - rest, firstGroup: first))
      body(
        Run(
          layout: partial, start: start + rowLength - rest, count: rest,
          firstGroup: first + groups - 1))
    }
  }

  private func replaceZeroScales(_ planes: IntegerPlanes) {
    for index in planes.scales.indices where planes.scales[index] == 0 { planes.scales[index] = 1 }
  }

  private func check(
    _ storage: IntegerStorage, _ rowLength: Int, _ count: Int, _ weightCount: Int?,
    _ planes: IntegerPlanes
  ) {
    precondition(rowLength > 0 && count % rowLength == 0 && planes.codes.count == count)
    precondition(weightCount == nil || weightCount == count)
    precondition(
      planes.scales.count == count / rowLength * storage.groupsPerRow(rowLength: rowLength))
  }
}

extension GridRow {
  /// Some of the elements, whole blocks of 32.
  package func elements(_ range: Range<Int>) -> GridRow {
    GridRow(
      packed: .init(rebasing: packed[range.lowerBound / 2..<range.upperBound / 2]),
      scales: .init(rebasing: scales[range.lowerBound / 32..<range.upperBound / 32]))
  }
}

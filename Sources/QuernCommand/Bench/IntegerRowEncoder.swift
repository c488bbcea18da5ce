import QuernQuantization

/// Integers with scales apart. A row of bytes is its codes, one to a byte, and then its scales in
/// float32: packing is not measured here.
struct IntegerRowEncoder: RowEncoder {
  let signal: EncodingSignal
  let rows: IntegerRows

  private let kernels = RowKernels.best
  private static let length = EncodingSignal.rowLength

  var type: EncodedType { .integers(rows) }

  var ways: [EncodeMeasurement.Way] {
    EncodeMeasurement.Way.allCases.filter { $0 != .gridAware || signal.grid != nil }
  }

  var rowByteCount: Int { Self.length + 4 * rows.groupsPerRow }

  func secondScale(_ way: EncodeMeasurement.Way) -> Float { 1 }

  func encode(_ way: EncodeMeasurement.Way, row: Int, into out: UnsafeMutableRawBufferPointer) {
    let planes = IntegerPlanes(
      codes: .init(rebasing: out.bindMemory(to: Int8.self)[..<Self.length]),
      scales: UnsafeMutableRawBufferPointer(rebasing: out[Self.length...])
        .bindMemory(to: Float.self))
    if way == .gridAware { return encodeGrid(row: row, into: planes) }
    signal.values.withUnsafeBufferPointer { values in
      let values = UnsafeBufferPointer(
        rebasing: values[row * Self.length..<(row + 1) * Self.length])
      signal.importance.withUnsafeBufferPointer {
        kernels.encode(
          rows.storage, rowLength: Self.length, values,
          method: way == .reference ? .absmax : .optimal, weights: way == .weighted ? $0 : nil,
          into: planes)
      }
    }
  }

  private func encodeGrid(row: Int, into planes: IntegerPlanes) {
    signal.grid?.withRow(row) {
      _ = kernels.encode(
        rows.storage, rowLength: Self.length, $0, weights: nil, into: planes)
    }
  }

  func decode(_ bytes: UnsafeRawBufferPointer, into values: UnsafeMutableBufferPointer<Float>) {
    var storage = rows.storage
    storage.packing = .bytes
    for row in 0..<signal.rowCount {
      let start = row * rowByteCount
      let scales = UnsafeRawBufferPointer(
        rebasing: bytes[start + Self.length..<start + rowByteCount])
      ReferenceDecoder.decode(
        storage: storage, rowLength: Self.length,
        codeBytes: .init(rebasing: bytes[start..<start + Self.length]),
        scales: scales.bindMemory(to: Float.self),
        into: .init(rebasing: values[row * Self.length..<(row + 1) * Self.length]))
    }
  }
}

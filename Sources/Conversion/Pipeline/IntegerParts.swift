import QuernLayouts
import QuernQuantization
import QuernTensors

/// Lays encoded rows out in the parts of a matrix of integers, and reads them back.
struct IntegerParts {
  let kernels: RowKernels
  let tensor: PlannedTensor
  let format: IntegerFormat
  /// Rows of the chunk: a part's rows lie behind all rows of the parts before it.
  let rowCount: Int

  private var rowLength: Int { tensor.rowLength }
  private var groupsPerRow: Int { format.storage.groupsPerRow(rowLength: rowLength) }

  /// Writes rows of the chunk, encoded in `planes`, into each part.
  func store(
    rows: Range<Int>, _ planes: IntegerPlanes, into output: UnsafeMutableRawBufferPointer
  ) {
    let (codes, scales) = (
      UnsafeBufferPointer(planes.codes), UnsafeBufferPointer(planes.scales)
    )
    var start = 0
    for part in tensor.parts {
      let range =
        start + part.byteCount(rows: rows.lowerBound)..<start
        + part.byteCount(rows: rows.upperBound)
      store(part, codes, scales, into: UnsafeMutableRawBufferPointer(rebasing: output[range]))
      start += part.byteCount(rows: rowCount)
    }
  }

  /// Fills the relaid part of a whole chunk from its codes, and takes it back: what is stored twice
  /// must be the same twice.
  ///
  /// - Returns: false where it does not come back the same, which no input can cause.
  func relay(_ output: UnsafeMutableRawBufferPointer) -> Bool {
    guard let target = range(of: .fractalNZ), let source = range(of: .codes),
      let layout = FractalNZ(of: format.storage, rows: rowCount, columns: rowLength)
    else { return true }
    let codes = UnsafeRawBufferPointer(rebasing: output[source])
    let relaid = UnsafeMutableRawBufferPointer(rebasing: output[target])
    layout.relayTransposed(codes, into: relaid)
    var restored = [UInt8](repeating: 0, count: codes.count)
    return restored.withUnsafeMutableBytes { restored in
      guard (try? layout.restoreTransposed(UnsafeRawBufferPointer(relaid), into: restored)) != nil
      else { return false }
      return codes.elementsEqual(restored)
    }
  }

  /// Where the rows of the chunk lie in its output.
  private func range(of content: StoredPart.Content) -> Range<Int>? {
    var start = 0
    for part in tensor.parts {
      let end = start + part.byteCount(rows: rowCount)
      if part.content == content { return start..<end }
      start = end
    }
    return nil
  }

  private func store(
    _ part: StoredPart, _ codes: UnsafeBufferPointer<Int8>, _ scales: UnsafeBufferPointer<Float>,
    into bytes: UnsafeMutableRawBufferPointer
  ) {
    switch part.content {
    case .values, .fractalNZ: return
    case .codes: kernels.pack(format.storage, rowLength: rowLength, codes: codes, into: bytes)
    case .scales: kernels.encode(part.elementType?.numberFormat ?? .f32, scales, into: bytes)
    case .zeroOffsets: bytes.initializeMemory(as: UInt8.self, repeating: 0)
    case .splitCorrection(let runs):
      // Parts lie behind each other in the buffer, wherever the codes of a chunk end: no place for
      // floats themselves.
      withUnsafeTemporaryAllocation(of: Float.self, capacity: scales.count * runs) { biases in
        kernels.scaleBias(
          rowLength: rowLength, parts: runs, codes: codes, scales: scales, into: biases)
        kernels.encode(.f32, UnsafeBufferPointer(biases), into: bytes)
      }
    case .productScales:
      let input = tensor.activation?.scale ?? 1
      for row in scales.indices {
        bytes.storeBytes(
          of: (input * scales[row]).bitPattern.littleEndian, toByteOffset: 4 * row, as: UInt32.self)
      }
    case .offsetCorrection:
      let offset = tensor.activation?.offset ?? 0
      for row in scales.indices {
        let sum = codes[row * rowLength..<(row + 1) * rowLength].reduce(0) { $0 + Int($1) }
        bytes.storeBytes(
          of: Int32(clamping: -offset * sum).littleEndian, toByteOffset: 4 * row, as: Int32.self)
      }
    }
  }

  /// The codes of the chunk as they were written, where each is a byte and each row has one scale.
  func rowCodes(_ output: UnsafeMutableRawBufferPointer) -> UnsafeBufferPointer<Int8>? {
    guard format.storage.packing == .bytes, format.storage.groupElements == nil,
      format.storage.bits == .eight, let range = range(of: .codes), self.range(of: .scales) != nil
    else { return nil }
    return UnsafeRawBufferPointer(rebasing: output[range]).assumingMemoryBound(to: Int8.self)
  }

  /// The scale of a row of the chunk as it was written.
  func rowScale(_ output: UnsafeMutableRawBufferPointer, row: Int) -> Float {
    guard let range = range(of: .scales) else { return 0 }
    let scales = UnsafeRawBufferPointer(rebasing: output[range])
    return range.count == 4 * rowCount
      ? Float(bitPattern: scales.littleEndianUInt32(at: 4 * row))
      : BF16.decode(scales.littleEndianUInt16(at: 2 * row))
  }

  /// Decodes rows of the chunk from the codes and scales that were written; `planes` is room for them.
  func decode(
    rows: Range<Int>, _ output: UnsafeMutableRawBufferPointer, scratch planes: IntegerPlanes,
    into values: UnsafeMutableBufferPointer<Float>
  ) {
    var start = 0
    for part in tensor.parts {
      let range =
        start + part.byteCount(rows: rows.lowerBound)..<start
        + part.byteCount(rows: rows.upperBound)
      let bytes = UnsafeRawBufferPointer(rebasing: output[range])
      switch part.content {
      case .codes:
        kernels.unpack(format.storage, rowLength: rowLength, bytes: bytes, into: planes.codes)
      case .scales:
        kernels.decode(part.elementType?.numberFormat ?? .f32, bytes, into: planes.scales)
      case .productScales:
        let input = tensor.activation?.scale ?? 1
        for row in planes.scales.indices {
          planes.scales[row] = Float(bitPattern: bytes.littleEndianUInt32(at: 4 * row)) / input
        }
      case .values, .zeroOffsets, .splitCorrection, .offsetCorrection, .fractalNZ: break
      }
      start += part.byteCount(rows: rowCount)
    }
    kernels.decode(
      format.storage, rowLength: rowLength, codes: UnsafeBufferPointer(planes.codes),
      scales: UnsafeBufferPointer(planes.scales), into: values)
  }
}

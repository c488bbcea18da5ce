import CKernels

/// Integer codes as the bytes that files hold, and what follows from codes alone.
extension RowKernels {
  /// Writes the codes of whole rows, a whole number of the storage's granules of them.
  package func pack(
    _ storage: IntegerStorage, rowLength: Int, codes: UnsafeBufferPointer<Int8>,
    into bytes: UnsafeMutableRawBufferPointer
  ) {
    let rows = checkedRows(storage, rowLength, codes: codes.count, bytes: bytes.count)
    guard rows > 0, let source = codes.baseAddress, let target = bytes.baseAddress else { return }
    let out = target.assumingMemoryBound(to: UInt8.self)
    let (bits, rowBytes) = (Int32(storage.bits.rawValue), bytes.count / rows)
    switch storage.packing {
    case .bytes: target.copyMemory(from: source, byteCount: codes.count)
    case .rowPairs:
      for pair in 0..<rows / 2 {
        quern_pack_row_pair(source + 2 * pair * rowLength, rowLength, out + pair * rowLength)
      }
    case .words:
      for row in 0..<rows {
        quern_pack_words(source + row * rowLength, rowLength, bits, out + row * rowBytes)
      }
    }
  }

  /// Reads what `pack` writes.
  package func unpack(
    _ storage: IntegerStorage, rowLength: Int, bytes: UnsafeRawBufferPointer,
    into codes: UnsafeMutableBufferPointer<Int8>
  ) {
    let rows = checkedRows(storage, rowLength, codes: codes.count, bytes: bytes.count)
    guard rows > 0, let source = bytes.baseAddress, let out = codes.baseAddress else { return }
    let packed = source.assumingMemoryBound(to: UInt8.self)
    let (bits, rowBytes) = (Int32(storage.bits.rawValue), bytes.count / rows)
    switch storage.packing {
    case .bytes: UnsafeMutableRawPointer(out).copyMemory(from: source, byteCount: codes.count)
    case .rowPairs:
      for pair in 0..<rows / 2 {
        quern_unpack_row_pair(packed + pair * rowLength, rowLength, out + 2 * pair * rowLength)
      }
    case .words:
      for row in 0..<rows {
        quern_unpack_words(packed + row * rowBytes, rowLength, bits, out + row * rowLength)
      }
    }
  }

  /// Writes 8 · Σ code · scale over each of `parts` equal runs of every row, in the order [row][part]:
  /// what kernels add that split activations into x = 16·high + low + 8.
  ///
  /// The sum of codes is exact, its product with the scale is rounded once: msModelSlim's
  /// `scale_bias`; see `formats/ascend`.
  ///
  /// - Parameter scales: one for each row.
  package func scaleBias(
    rowLength: Int, parts: Int, codes: UnsafeBufferPointer<Int8>,
    scales: UnsafeBufferPointer<Float>, into biases: UnsafeMutableBufferPointer<Float>
  ) {
    precondition(parts > 0 && rowLength > 0 && rowLength % parts == 0)
    precondition(codes.count == scales.count * rowLength && biases.count == scales.count * parts)
    guard let source = codes.baseAddress else { return }
    let length = rowLength / parts
    for index in biases.indices {
      let sum = quern_sum_codes(source + index * length, length)
      biases[index] = Float(Double(8 * sum) * Double(scales[index / parts]))
    }
  }

  private func checkedRows(
    _ storage: IntegerStorage, _ rowLength: Int, codes: Int, bytes: Int
  ) -> Int {
    precondition(rowLength > 0 && codes % rowLength == 0)
    let rows = codes / rowLength
    precondition(rows % storage.rowGranule == 0)
    precondition(storage.packing != .rowPairs || storage.bits == .four)
    precondition(bytes == storage.codeByteCount(rows: rows, rowLength: rowLength))
    return rows
  }
}

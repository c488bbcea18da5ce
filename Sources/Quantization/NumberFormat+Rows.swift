extension NumberFormat {
  /// Encodes finite values, one or more whole rows.
  ///
  /// F16 and BF16 round to nearest even. The bytes depend on the arguments alone, not on the
  /// processor. Those of `.reference` are llama-quantize's without an imatrix, and gguf-py's where it
  /// has an encoder, wherever the rule is defined.
  ///
  /// - Parameters:
  ///   - values: the rows, one after another; their count a multiple of `blockElements`.
  ///   - weights: how much the squared error of each element counts: as many as there are values, or
  ///     one for each column, to be used for every row. Finite and not negative, in any unit. An
  ///     imatrix holds such weights: the mean square of each input channel. `.reference` knows none.
  /// - Throws: `QuantizationError` for a count that is no whole number of blocks, a value that is not
  ///   finite or too large for the format's scales, weights of the wrong count, a weight that is negative or not finite, weights for
  ///   `.reference`, and I32.
  public func encode(
    _ values: [Float], method: EncodingMethod = .optimal, weights: [Float]? = nil
  ) throws(QuantizationError) -> [UInt8] {
    guard self != .i32 else { throw .notAWeightFormat(self) }
    guard let byteCount = byteCount(elements: values.count) else {
      throw .rowLength(format: self, found: values.count, multipleOf: blockElements)
    }
    if let index = values.withUnsafeBufferPointer({ RowKernels.best.firstNonFinite($0) }) {
      throw .nonFinite(format: self, index: index)
    }
    let weights = try checked(weights, method, count: values.count)
    let blocks = [UInt8](unsafeUninitializedCapacity: byteCount) { bytes, initialized in
      let blocks = UnsafeMutableRawBufferPointer(
        rebasing: UnsafeMutableRawBufferPointer(bytes)[..<byteCount])
      values.withUnsafeBufferPointer { values in
        switch method {
        case .reference: RowKernels.best.encode(self, values, into: blocks)
        case .optimal: encodeOptimally(values, weights: weights, into: blocks)
        }
      }
      initialized = byteCount
    }
    try checkScales(of: blocks)
    return blocks
  }

  private func checkScales(of blocks: [UInt8]) throws(QuantizationError) {
    for offset in f16ScaleOffsets {
      for (block, start) in stride(from: offset, to: blocks.count, by: blockBytes).enumerated() {
        // An exponent of all ones; the high byte holds it whole.
        if blocks[start + 1] & 0x7C == 0x7C { throw .scaleOverflow(format: self, block: block) }
      }
    }
  }

  /// Row by row, where one row of weights serves all.
  private func encodeOptimally(
    _ values: UnsafeBufferPointer<Float>, weights: [Float]?,
    into blocks: UnsafeMutableRawBufferPointer
  ) {
    guard let weights, !weights.isEmpty else {
      return RowKernels.best.encodeOptimally(self, values, weights: nil, into: blocks)
    }
    let rowCount = values.count / weights.count
    let rowBytes = blocks.count / rowCount
    weights.withUnsafeBufferPointer { weights in
      for row in 0..<rowCount {
        RowKernels.best.encodeOptimally(
          self,
          UnsafeBufferPointer(rebasing: values[row * weights.count..<(row + 1) * weights.count]),
          weights: weights,
          into: UnsafeMutableRawBufferPointer(
            rebasing: blocks[row * rowBytes..<(row + 1) * rowBytes]))
      }
    }
  }

  private func checked(
    _ weights: [Float]?, _ method: EncodingMethod, count: Int
  ) throws(QuantizationError) -> [Float]? {
    guard let weights else { return nil }
    guard method != .reference else { throw .weightsForReference(format: self) }
    let isRow = !weights.isEmpty && count % weights.count == 0 && divides(rowLength: weights.count)
    guard isRow || weights.count == count else {
      throw .weightCount(format: self, found: weights.count, values: count)
    }
    if let index = weights.firstIndex(where: { !($0 >= 0 && $0.isFinite) }) {
      throw .weight(format: self, index: index, found: weights[index])
    }
    return weights
  }

  /// Decodes whole blocks to float32: code × scale, rounded once.
  public func decode(_ bytes: [UInt8]) throws(QuantizationError) -> [Float] {
    guard bytes.count % blockBytes == 0 else {
      throw .byteCount(format: self, found: bytes.count, multipleOf: blockBytes)
    }
    let count = bytes.count / blockBytes * blockElements
    return [Float](unsafeUninitializedCapacity: count) { values, initialized in
      let row = UnsafeMutableBufferPointer(rebasing: values[..<count])
      bytes.withUnsafeBytes { RowKernels.best.decode(self, $0, into: row) }
      initialized = count
    }
  }
}

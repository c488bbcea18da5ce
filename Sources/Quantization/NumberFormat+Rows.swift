extension NumberFormat {
  /// Encodes finite values, one or more whole rows, with the format's reference rule: rounding to
  /// nearest even for F16 and BF16, the largest magnitude of each block for Q8_0, Q4_0 and MXFP4.
  ///
  /// The bytes are those of gguf-py for every input for which its rule is defined.
  public func encode(_ values: [Float]) throws(QuantizationError) -> [UInt8] {
    guard self != .i32 else { throw .notAWeightFormat(self) }
    guard let byteCount = byteCount(elements: values.count) else {
      throw .rowLength(format: self, found: values.count, multipleOf: blockElements)
    }
    if let index = values.withUnsafeBufferPointer({ RowKernels.best.firstNonFinite($0) }) {
      throw .nonFinite(format: self, index: index)
    }
    return [UInt8](unsafeUninitializedCapacity: byteCount) { bytes, initialized in
      let row = UnsafeMutableRawBufferPointer(
        rebasing: UnsafeMutableRawBufferPointer(bytes)[..<byteCount])
      values.withUnsafeBufferPointer { RowKernels.best.encode(self, $0, into: row) }
      initialized = byteCount
    }
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

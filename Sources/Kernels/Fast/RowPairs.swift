/// int4 codes of weights as ascend folders pack them: byte row i holds output 2i in the low half and
/// 2i + 1 in the high one.
extension CodeMatrix {
  /// - Throws: `KernelError.count` unless the bytes are whole rows of pairs.
  package init(rowPairs bytes: [UInt8], outputs: Int, inputs: Int) throws(KernelError) {
    try KernelError.check("row pairs", bytes.count, expected: outputs / 2, times: inputs)
    try KernelError.check("outputs", outputs, expected: outputs / 2 * 2)
    self.init(outputs, inputs)
    codes.withUnsafeMutableBufferPointer { codes in
      bytes.withUnsafeBufferPointer { bytes in
        for pair in 0..<outputs / 2 {
          let (even, odd) = (2 * pair * inputs, (2 * pair + 1) * inputs)
          for input in 0..<inputs {
            let byte = Int8(bitPattern: bytes[pair * inputs + input])
            codes[even + input] = (byte << 4) >> 4
            codes[odd + input] = byte >> 4
          }
        }
      }
    }
  }
}

import QuernLayouts

/// Integer weights as the hardware reads them: [inputs, outputs] in FRACTAL_NZ, "not transposed".
package struct NZWeights: Sendable {
  package let layout: FractalNZ
  package let bytes: [UInt8]

  /// - Throws: `KernelError.count` unless elements are integers and the bytes are those of the layout.
  package init(layout: FractalNZ, bytes: [UInt8]) throws(KernelError) {
    if layout.element == .half { throw .count(of: "bits of a code", found: 16, expected: 8) }
    try KernelError.check("NZ bytes", bytes.count, expected: layout.byteCount)
    (self.layout, self.bytes) = (layout, bytes)
  }

  /// The code of one weight.
  package func code(matrix: Int = 0, output: Int, input: Int) -> Int8 {
    let offset = layout.offset(row: input, column: output)
    let first = matrix * layout.matrixByteCount
    guard layout.element == .int4 else { return Int8(bitPattern: bytes[first + offset]) }
    let byte = bytes[first + offset / 2]
    // The half that counts goes to the top, for its sign to come down with it.
    return Int8(bitPattern: offset % 2 == 0 ? byte << 4 : byte & 0xF0) >> 4
  }

  /// All codes of a matrix, as [outputs, inputs].
  package func codes(matrix: Int = 0) -> CodeMatrix {
    var all = CodeMatrix(layout.columnCount, layout.rowCount)
    for output in 0..<layout.columnCount {
      for input in 0..<layout.rowCount {
        all.codes[output * layout.rowCount + input] = code(
          matrix: matrix, output: output, input: input)
      }
    }
    return all
  }
}

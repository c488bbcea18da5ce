import CKernels

extension NumberFormat {
  /// The format among those whose codes can be rounded one by one; nil for formats without blocks.
  package var codeFormat: quern_code_format? {
    switch self {
    case .f32, .f16, .bf16, .i32: nil
    case .q8_0: QUERN_CODES_Q8_0
    case .q4_0: QUERN_CODES_Q4_0
    case .q4_1: QUERN_CODES_Q4_1
    case .q5_0: QUERN_CODES_Q5_0
    case .q5_1: QUERN_CODES_Q5_1
    case .iq4_nl: QUERN_CODES_IQ4_NL
    case .mxfp4: QUERN_CODES_MXFP4
    case .nvfp4: QUERN_CODES_NVFP4
    case .q4_k: QUERN_CODES_Q4_K
    case .q5_k: QUERN_CODES_Q5_K
    case .q6_k: QUERN_CODES_Q6_K
    case .iq4_xs: QUERN_CODES_IQ4_XS
    }
  }
}

extension RowKernels {
  /// Sweeps of coordinate descent after the rounding. The first gains 0.1 to 0.3 dB, the second a
  /// third of that, all others together less than 0.05 dB.
  package static let gptqSweepCount = 2

  /// Encodes rows so that (w − v)·H·(w − v) of each is small, w being its weights and v what is
  /// stored. The bytes of a row depend on nothing but the row and the factors.
  ///
  /// - Parameters:
  ///   - values: finite values of whole rows.
  ///   - factors: the blocks of H along the columns, nil for one that is not known: those columns are
  ///     encoded as `encodeOptimally` does without weights.
  ///   - widths: columns of each block, whole blocks of the format that add up to a row.
  package func encodeWithFeedback(
    _ format: NumberFormat, _ values: UnsafeBufferPointer<Float>, factors: [GPTQFactor?],
    widths: [Int], sweeps: Int = gptqSweepCount, in workspace: GPTQWorkspace,
    into bytes: UnsafeMutableRawBufferPointer
  ) {
    let rowLength = widths.reduce(0, +)
    precondition(format.byteCount(elements: values.count) == bytes.count)
    precondition(rowLength > 0 && values.count % rowLength == 0 && factors.count == widths.count)
    precondition(widths.allSatisfy { $0 % format.blockElements == 0 })
    let rowCount = values.count / rowLength
    let rowByteCount = bytes.count / max(1, rowCount)
    for first in stride(from: 0, to: rowCount, by: GPTQWorkspace.rowCount) {
      let end = min(first + GPTQWorkspace.rowCount, rowCount)
      var (column, byte) = (0, 0)
      for (factor, width) in zip(factors, widths) {
        let part = RowPart(
          source: UnsafeBufferPointer(
            rebasing: values[first * rowLength + column..<end * rowLength]),
          target: UnsafeMutableRawBufferPointer(
            rebasing: bytes[first * rowByteCount + byte..<end * rowByteCount]),
          rowCount: end - first, rowLength: rowLength, rowByteCount: rowByteCount, width: width)
        if let factor {
          encode(format, part, factor, sweeps: sweeps, workspace)
        } else {
          encode(format, part)
        }
        column += width
        byte += width / format.blockElements * format.blockBytes
      }
    }
  }

  /// The columns of one Hessian block in a few rows: they begin where the buffers do.
  private struct RowPart {
    let source: UnsafeBufferPointer<Float>
    let target: UnsafeMutableRawBufferPointer
    let rowCount: Int
    let rowLength: Int
    let rowByteCount: Int
    let width: Int
  }

  private func encode(
    _ format: NumberFormat, _ part: RowPart, _ factor: GPTQFactor, sweeps: Int,
    _ workspace: GPTQWorkspace
  ) {
    guard let codeFormat = format.codeFormat, let block = block(format) else {
      preconditionFailure("\(format.rawValue) has no codes to choose")
    }
    precondition(factor.columnCount == part.width)
    var rows = quern_gptq_rows(
      format: codeFormat, optimal: block.optimal, source: part.source.baseAddress,
      source_stride: part.rowLength,
      blocks: part.target.baseAddress?.assumingMemoryBound(to: UInt8.self),
      block_stride: part.rowByteCount, count: part.rowCount, sweeps: sweeps)
    withExtendedLifetime(factor) {
      var pointers = factor.pointers
      kernels.gptq(&pointers, &rows, workspace.pointer)
    }
  }

  private func encode(_ format: NumberFormat, _ part: RowPart) {
    let byteCount = part.width / format.blockElements * format.blockBytes
    for row in 0..<part.rowCount {
      let (element, byte) = (row * part.rowLength, row * part.rowByteCount)
      encodeOptimally(
        format, UnsafeBufferPointer(rebasing: part.source[element..<element + part.width]),
        weights: nil,
        into: UnsafeMutableRawBufferPointer(rebasing: part.target[byte..<byte + byteCount]))
    }
  }
}

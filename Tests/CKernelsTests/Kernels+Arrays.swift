import CKernels
import QuernQuantization
import QuernTensors
import Testing

/// The kernels on arrays.
extension RowKernels {
  func encoded(_ format: NumberFormat, _ values: [Float]) -> [UInt8] {
    var bytes = [UInt8](repeating: 0xA5, count: format.byteCount(elements: values.count) ?? 0)
    values.withUnsafeBufferPointer { values in
      bytes.withUnsafeMutableBytes { encode(format, values, into: $0) }
    }
    return bytes
  }

  func decoded(_ format: NumberFormat, _ bytes: [UInt8]) -> [UInt32] {
    let count = bytes.count / format.blockBytes * format.blockElements
    var values = [Float](repeating: 7, count: count)
    bytes.withUnsafeBytes { bytes in
      values.withUnsafeMutableBufferPointer { decode(format, bytes, into: $0) }
    }
    return values.map(\.bitPattern)
  }

  func encoded(_ format: NumberFormat, _ grid: Grid, weights: [Float]? = nil) -> [UInt8] {
    let count = format.byteCount(elements: 32 * grid.scales.count) ?? 0
    var bytes = [UInt8](repeating: 0xA5, count: count)
    grid.withRow { row in
      bytes.withUnsafeMutableBufferPointer { bytes in
        guard let weights else { return encode(format, row, into: bytes) }
        weights.withUnsafeBufferPointer { encode(format, row, weights: $0, into: bytes) }
      }
    }
    return bytes
  }

  func decoded(_ grid: Grid) -> [Float] {
    var values = [Float](repeating: 7, count: 32 * grid.scales.count)
    grid.withRow { row in values.withUnsafeMutableBufferPointer { decode(row, into: $0) } }
    return values
  }

  func compared(
    _ source: [Float], _ output: [Float], position: Int, from start: quern_comparison = .init()
  ) -> quern_comparison {
    var sums = start
    source.withUnsafeBufferPointer { source in
      output.withUnsafeBufferPointer { compare(source, $0, position: position, into: &sums) }
    }
    return sums
  }

  /// The sums after the comparison, and whether it found equal values.
  func comparedExactly(
    _ grid: Grid, _ format: NumberFormat, _ bytes: [UInt8], from start: quern_comparison
  ) -> (equal: Bool, sums: quern_comparison) {
    var sums = start
    let equal = grid.withRow { row in
      bytes.withUnsafeBufferPointer {
        compareExactly(row, format, $0, position: 0, into: &sums)
      }
    }
    return (equal, sums)
  }
}

/// Rows on the FP4 grid, as checkpoints store them.
struct Grid {
  var packed: [UInt8]
  var scales: [UInt8]

  init(packed: [UInt8], scales: [UInt8]) {
    self.packed = packed
    self.scales = scales
  }

  /// A block from its 32 codes.
  init(codes: [UInt8], scale: UInt8) {
    packed = stride(from: 0, to: 32, by: 2).map { codes[$0] | codes[$0 + 1] << 4 }
    scales = [scale]
  }

  /// One code for each element.
  var codes: [UInt8] { packed.flatMap { [$0 & 15, $0 >> 4] } }

  /// By the reference decoder.
  var values: [Float] {
    var values = [Float](repeating: 7, count: 32 * scales.count)
    packed.withUnsafeBytes { packed in
      scales.withUnsafeBytes { scales in
        values.withUnsafeMutableBufferPointer {
          E2M1.decodeRow(packed, scales: scales, into: $0)
        }
      }
    }
    return values
  }

  func withRow<Result>(_ body: (GridRow) -> Result) -> Result {
    packed.withUnsafeBufferPointer { packed in
      scales.withUnsafeBufferPointer { body(GridRow(packed: packed, scales: $0)) }
    }
  }
}

extension NumberFormat {
  /// Decoded bits, with one pattern for all NaNs where a value is a sum: when both terms are NaN,
  /// which of them the sum keeps is the compiler's choice.
  func comparable(_ bits: [UInt32]) -> [UInt32] {
    guard f16ScaleOffsets.count > 1 else { return bits }
    return bits.map { Float(bitPattern: $0).isNaN ? Float.nan.bitPattern : $0 }
  }
}

extension quern_comparison {
  /// All bytes of the sums, for exact comparison.
  var bits: [UInt8] { withUnsafeBytes(of: self) { Array($0) } }
}

extension RowKernels: CustomTestStringConvertible {
  public var testDescription: String { levelName }
}

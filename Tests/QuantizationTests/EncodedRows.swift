import QuernTestSupport

@testable import QuernQuantization

/// Rows after an encoder: what it wrote, and what that decodes to.
struct EncodedRows: Equatable {
  let codes: [Int8]
  let scales: [Float]
  let decoded: [Float]
  /// Groups that are exact, where the encoder counts them.
  let exact: Int?

  /// Every finite BF16 above 0.
  static let bf16Scales: [Float] = (1..<0x7F80).map { Float(bitPattern: UInt32($0) << 16) }

  init(
    _ storage: IntegerStorage, _ rowLength: Int, _ values: [Float],
    _ method: IntegerGroups.Method, _ weights: [Float]? = nil, _ kernels: RowKernels = .best
  ) {
    self.init(storage, rowLength, count: values.count, kernels) { planes in
      values.withUnsafeBufferPointer { values in
        Self.withWeights(weights) {
          kernels.encode(
            storage, rowLength: rowLength, values, method: method, weights: $0, into: planes)
        }
      }
      return nil
    }
  }

  init(
    _ storage: IntegerStorage, _ rowLength: Int, packed: [UInt8], exponents: [UInt8],
    _ weights: [Float]? = nil, _ kernels: RowKernels = .best
  ) {
    self.init(storage, rowLength, count: 2 * packed.count, kernels) { planes in
      packed.withUnsafeBufferPointer { packed in
        exponents.withUnsafeBufferPointer { exponents in
          Self.withWeights(weights) {
            kernels.encode(
              storage, rowLength: rowLength, GridRow(packed: packed, scales: exponents),
              weights: $0, into: planes)
          }
        }
      }
    }
  }

  private init(
    _ storage: IntegerStorage, _ rowLength: Int, count: Int, _ kernels: RowKernels,
    encode: (IntegerPlanes) -> Int?
  ) {
    let groups = count / rowLength * storage.groupsPerRow(rowLength: rowLength)
    var codes = [Int8](repeating: 99, count: count)
    var scales = [Float](repeating: .nan, count: groups)
    exact = codes.withUnsafeMutableBufferPointer { codes in
      scales.withUnsafeMutableBufferPointer { scales in
        encode(IntegerPlanes(codes: codes, scales: scales))
      }
    }
    var decoded = [Float](repeating: .nan, count: count)
    codes.withUnsafeBufferPointer { codes in
      scales.withUnsafeBufferPointer { scales in
        decoded.withUnsafeMutableBufferPointer {
          kernels.decode(storage, rowLength: rowLength, codes: codes, scales: scales, into: $0)
        }
      }
    }
    (self.codes, self.scales, self.decoded) = (codes, scales, decoded)
  }

  private static func withWeights<Result>(
    _ weights: [Float]?, _ body: (UnsafeBufferPointer<Float>?) -> Result
  ) -> Result {
    guard let weights else { return body(nil) }
    return weights.withUnsafeBufferPointer { body($0) }
  }

  func weights(_ weights: [Float]?) -> [Float] {
    weights ?? [Float](repeating: 1, count: codes.count)
  }

  /// Σ weight · (value − decoded)².
  func noise(_ values: [Float], _ weights: [Float]? = nil) -> Double {
    values.indices.reduce(0) { sum, index in
      let error = Double(values[index]) - Double(decoded[index])
      return sum + Double(weights?[index] ?? 1) * error * error
    }
  }
}

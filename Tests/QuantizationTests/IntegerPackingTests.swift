import Foundation
import QuernTestSupport
import Testing

@testable import QuernQuantization

/// An example of `formats/integer-groups/spec.json`; the words are compressed-tensors' own.
struct PackedRows: Decodable, Sendable {
  let packing: String
  let bits: Int
  let codes: [[Int8]]
  let bytes: String

  private struct Spec: Decodable {
    let rows: [PackedRows]
  }

  static func all() throws -> [PackedRows] {
    let data = try Data(contentsOf: TestData.format("integer-groups/spec.json"))
    return try JSONDecoder().decode(Spec.self, from: data).rows
  }

  func storage() throws -> IntegerStorage {
    IntegerStorage(
      bits: try #require(.init(rawValue: bits)), packing: try #require(.init(rawValue: packing)))
  }
}

/// Codes of rows as the bytes of files.
@Suite struct IntegerPackingTests {
  private func packed(_ storage: IntegerStorage, _ rowLength: Int, _ codes: [Int8]) -> [UInt8] {
    let count = storage.codeByteCount(rows: codes.count / rowLength, rowLength: rowLength)
    var bytes = [UInt8](repeating: 0xAA, count: count)
    bytes.withUnsafeMutableBytes { bytes in
      codes.withUnsafeBufferPointer {
        RowKernels.best.pack(storage, rowLength: rowLength, codes: $0, into: bytes)
      }
    }
    return bytes
  }

  private func unpacked(
    _ storage: IntegerStorage, _ rowLength: Int, _ bytes: [UInt8], count: Int
  ) -> [Int8] {
    var codes = [Int8](repeating: 99, count: count)
    bytes.withUnsafeBytes { bytes in
      codes.withUnsafeMutableBufferPointer {
        RowKernels.best.unpack(storage, rowLength: rowLength, bytes: bytes, into: $0)
      }
    }
    return codes
  }

  private func judged(
    _ storage: IntegerStorage, _ rowLength: Int, _ bytes: [UInt8], scales: [Float], count: Int
  ) -> [Float] {
    var values = [Float](repeating: 99, count: count)
    bytes.withUnsafeBytes { bytes in
      scales.withUnsafeBufferPointer { scales in
        values.withUnsafeMutableBufferPointer {
          ReferenceDecoder.decode(
            storage: storage, rowLength: rowLength, codeBytes: bytes, scales: scales, into: $0)
        }
      }
    }
    return values
  }

  @Test("the examples are packed and unpacked, and the judge reads them")
  func examples() throws {
    for example in try PackedRows.all() {
      let (storage, length) = (try example.storage(), example.codes[0].count)
      let codes = example.codes.flatMap { $0 }
      let bytes = packed(storage, length, codes)
      #expect(hexadecimal(bytes) == example.bytes)
      #expect(unpacked(storage, length, bytes, count: codes.count) == codes)
      let scales = example.codes.indices.map { Float($0) + 0.5 }
      let expected = codes.indices.map { Float(codes[$0]) * scales[$0 / length] }
      #expect(judged(storage, length, bytes, scales: scales, count: codes.count) == expected)
    }
  }

  @Test("bytes by hand: pairs along rows, words along columns")
  func byHand() {
    let pairs = IntegerStorage(bits: .four, packing: .rowPairs)
    #expect(packed(pairs, 3, [1, -1, 7, 2, -8, 0]) == [0x21, 0x8F, 0x07])
    let words = IntegerStorage(bits: .four, packing: .words)
    #expect(packed(words, 3, [-8, 7, 0]) == [0xF0, 0x08, 0, 0])
    let wide = IntegerStorage(bits: .eight, packing: .words)
    #expect(packed(wide, 2, [-127, 127, 0, 1]) == [0x01, 0xFF, 0, 0, 0x80, 0x81, 0, 0])
  }

  @Test("the judge finds the scale of a partial last group")
  func partialGroups() {
    let storage = IntegerStorage(bits: .four, groupElements: 2, packing: .words)
    let codes: [Int8] = [1, 2, 3, -1, -2, -3]
    let bytes = packed(storage, 3, codes)
    let values = judged(storage, 3, bytes, scales: [1, 10, 100, 1000], count: 6)
    #expect(values == [1, 2, 30, -100, -200, -3000])
  }

  @Test("a scale bias is eight times the sum of codes and scale, rounded once")
  func scaleBias() {
    let codes: [Int8] = [1, 2, 3, 4, -8, 7, -8, 7] + [7, 7, 7, 7, 7, 7, 7, 7]
    let scales: [Float] = [0.0123291015625, 1e-30]
    var biases = [Float](repeating: 0, count: 4)
    codes.withUnsafeBufferPointer { codes in
      scales.withUnsafeBufferPointer { scales in
        biases.withUnsafeMutableBufferPointer {
          RowKernels.best.scaleBias(
            rowLength: 8, parts: 2, codes: codes, scales: scales, into: $0)
        }
      }
    }
    #expect(biases == [80 * scales[0], -16 * scales[0], 224 * scales[1], 224 * scales[1]])
  }
}

import QuernTensors
import QuernTestSupport
import Testing

@Suite struct RowDecodingTests {
  @Test("packed FP4 has even elements in the low half of each byte")
  func nibbleOrder() {
    let packed: [UInt8] = [0x21, 0x87] + [UInt8](repeating: 0, count: 14)
    let scales: [UInt8] = [128]
    var values = [Float](repeating: .nan, count: 32)
    packed.withUnsafeBytes { packed in
      scales.withUnsafeBytes { scales in
        values.withUnsafeMutableBufferPointer {
          E2M1.decodeRow(packed, scales: scales, into: $0)
        }
      }
    }
    #expect(Array(values[..<4]) == [1, 2, 12, 0])
    #expect(values[3].sign == .minus)
    #expect(values[4...].allSatisfy { $0 == 0 && $0.sign == .plus })
  }

  @Test("FP8 rows take the scale of their block, the last one partial")
  func scaleBlocks() {
    let codes: [UInt8] = [0x38, 0x38, 0x38, 0x40, 0xB8]
    let scales: [Float] = [2, 4, 0.5]
    var values = [Float](repeating: .nan, count: 5)
    codes.withUnsafeBytes { codes in
      scales.withUnsafeBufferPointer { scales in
        values.withUnsafeMutableBufferPointer {
          FP8Table.decodeRow(codes, table: FP8Table.e4m3, scales: scales, scaleBlock: 2, into: $0)
        }
      }
    }
    #expect(values == [2, 2, 4, 8, -0.5])
  }

  @Test("16-bit rows are little-endian")
  func littleEndian() {
    let bytes: [UInt8] = [0x80, 0x3F, 0x00, 0xC0]
    var values = [Float](repeating: .nan, count: 2)
    bytes.withUnsafeBytes { bytes in
      values.withUnsafeMutableBufferPointer { BF16.decodeRow(bytes, into: $0) }
    }
    #expect(values == [1, -2])
    bytes.withUnsafeBytes { bytes in
      values.withUnsafeMutableBufferPointer { F16.decodeRow(bytes, into: $0) }
    }
    #expect(values == [1.875, -2])
  }
}

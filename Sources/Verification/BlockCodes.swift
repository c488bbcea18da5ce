import QuernQuantization
import QuernTensors

/// The parts of one stored block that say which values there are to choose from: for each element a
/// code, and for each group of elements what a code stands for.
///
/// Written from the layouts in `formats/blocks`, beside the reference decoders and not from them.
struct BlockCodes {
  /// What codes of a group stand for: scale · points[code] + offset.
  struct Group {
    var scale: Float
    var offset: Float = 0
  }

  /// The values of the codes without their scale, ascending.
  let points: [Float]
  /// Elements of one group.
  let groupLength: Int
  private(set) var groups: [Group] = []
  /// Positions in `points`.
  private(set) var codes: [Int] = []

  private static let fp4Points: [Float] = [
    -6, -4, -3, -2, -1.5, -1, -0.5, 0, 0.5, 1, 1.5, 2, 3, 4, 6,
  ]
  private static let iq4Points: [Float] = [
    -127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113,
  ]

  private static func integers(_ range: ClosedRange<Int>) -> [Float] { range.map { Float($0) } }

  /// - Parameter block: the bytes of one block; nil for formats without blocks.
  init?(_ format: NumberFormat, _ block: UnsafeRawBufferPointer) {
    switch format {
    case .f32, .f16, .bf16, .i32: return nil
    case .q8_0: self.init(points: Self.integers(-128...127), groupLength: 32)
    case .q4_0: self.init(points: Self.integers(-8...7), groupLength: 32)
    case .q4_1: self.init(points: Self.integers(0...15), groupLength: 32)
    case .q5_0: self.init(points: Self.integers(-16...15), groupLength: 32)
    case .q5_1: self.init(points: Self.integers(0...31), groupLength: 32)
    case .iq4_nl, .iq4_xs: self.init(points: Self.iq4Points, groupLength: 32)
    case .mxfp4: self.init(points: Self.fp4Points, groupLength: 32)
    case .nvfp4: self.init(points: Self.fp4Points, groupLength: 16)
    case .q4_k: self.init(points: Self.integers(0...15), groupLength: 32)
    case .q5_k: self.init(points: Self.integers(0...31), groupLength: 32)
    case .q6_k: self.init(points: Self.integers(-32...31), groupLength: 16)
    }
    read(format, block)
  }

  private init(points: [Float], groupLength: Int) {
    (self.points, self.groupLength) = (points, groupLength)
  }

  private mutating func read(_ format: NumberFormat, _ block: UnsafeRawBufferPointer) {
    switch format {
    case .q8_0:
      groups = [Group(scale: f16(block, 0))]
      codes = (0..<32).map { Int(Int8(bitPattern: block[2 + $0])) + 128 }
    case .q4_0, .iq4_nl:
      groups = [Group(scale: f16(block, 0))]
      codes = nibbles(block, 2)
    case .q4_1:
      groups = [Group(scale: f16(block, 0), offset: f16(block, 2))]
      codes = nibbles(block, 4)
    case .q5_0:
      groups = [Group(scale: f16(block, 0))]
      codes = fiveBits(nibbles(block, 6), block.littleEndianUInt32(at: 2))
    case .q5_1:
      groups = [Group(scale: f16(block, 0), offset: f16(block, 2))]
      codes = fiveBits(nibbles(block, 8), block.littleEndianUInt32(at: 4))
    case .mxfp4:
      groups = [Group(scale: E8M0.decode(block[0]))]
      codes = nibbles(block, 1).map(fp4Position)
    case .nvfp4: readNVFP4(block)
    case .q4_k: readPairs(block, fifthBits: nil, low: 16)
    case .q5_k: readPairs(block, fifthBits: 16, low: 48)
    case .q6_k: readQ6_K(block)
    case .iq4_xs: readIQ4_XS(block)
    case .f32, .f16, .bf16, .i32: break
    }
  }

  // MARK: Fields

  private func f16(_ block: UnsafeRawBufferPointer, _ offset: Int) -> Float {
    F16.decode(block.littleEndianUInt16(at: offset))
  }

  /// 32 codes: byte j holds element j low and element j + 16 high.
  private func nibbles(_ block: UnsafeRawBufferPointer, _ start: Int) -> [Int] {
    (0..<16).map { Int(block[start + $0] & 15) } + (0..<16).map { Int(block[start + $0] >> 4) }
  }

  private func fiveBits(_ low: [Int], _ high: UInt32) -> [Int] {
    low.enumerated().map { $1 + 16 * Int(high >> UInt32($0) & 1) }
  }

  /// Codes 0 to 7 are the magnitudes, 8 to 15 the same negated; −0 is 0.
  private func fp4Position(_ code: Int) -> Int { code < 8 ? 7 + code : 15 - code }

  /// Four UE4M3 scales, then the codes of 16 elements in 8 bytes each.
  private mutating func readNVFP4(_ block: UnsafeRawBufferPointer) {
    for group in 0..<4 {
      let byte = block[group]
      let isZero = byte == 0 || byte == 0x7f
      groups.append(Group(scale: isZero ? 0 : E4M3.decode(byte & 0x7f)))
      let bytes = (0..<8).map { Int(block[4 + 8 * group + $0]) }
      codes += (bytes.map { $0 & 15 } + bytes.map { $0 >> 4 }).map(fp4Position)
    }
  }

  /// Q4_K and Q5_K: eight 6-bit scales and minima in 12 bytes, codes of 64 elements in 32 bytes.
  private mutating func readPairs(_ block: UnsafeRawBufferPointer, fifthBits: Int?, low: Int) {
    let (d, minimum) = (f16(block, 0), f16(block, 2))
    let packed = (0..<12).map { Int(block[4 + $0]) }
    for run in 0..<8 {
      let isLow = run < 4
      let scale =
        isLow ? packed[run] & 63 : packed[run + 4] & 15 | (packed[run - 4] >> 6) << 4
      let least = isLow ? packed[run + 4] & 63 : packed[run + 4] >> 4 | (packed[run] >> 6) << 4
      groups.append(Group(scale: d * Float(scale), offset: -(minimum * Float(least))))
      for place in 0..<32 {
        let byte = Int(block[low + 32 * (run / 2) + place])
        let nibble = run % 2 == 0 ? byte & 15 : byte >> 4
        let high = fifthBits.map { Int(block[$0 + place]) >> run & 1 } ?? 0
        codes.append(nibble + 16 * high)
      }
    }
  }

  private mutating func readQ6_K(_ block: UnsafeRawBufferPointer) {
    let d = f16(block, 208)
    groups = (0..<16).map { Group(scale: d * Float(Int8(bitPattern: block[192 + $0]))) }
    for element in 0..<256 {
      let (half, run, place) = (element / 128, element % 128 / 32, element % 32)
      let byte = Int(block[64 * half + 32 * (run % 2) + place])
      let high = Int(block[128 + 32 * half + place]) >> (2 * run) & 3
      codes.append((run < 2 ? byte & 15 : byte >> 4) + 16 * high)
    }
  }

  private mutating func readIQ4_XS(_ block: UnsafeRawBufferPointer) {
    let (d, high) = (f16(block, 0), Int(block.littleEndianUInt16(at: 2)))
    for run in 0..<8 {
      let low = Int(block[4 + run / 2]) >> (4 * (run % 2)) & 15
      groups.append(Group(scale: d * Float((low | (high >> (2 * run) & 3) << 4) - 32)))
      codes += nibbles(block, 8 + 16 * run)
    }
  }
}

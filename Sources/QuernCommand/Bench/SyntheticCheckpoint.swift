import QuernCheckpoints
import QuernContainers
import QuernTensors

/// Makes a checkpoint with the names and shapes of a family and random weights, to measure on.
struct SyntheticCheckpoint {
  /// How the large matrices are stored.
  enum Weights: Sendable { case bf16, fp8, fp4, released }

  let folder: String
  let table: ArchitectureTable
  let config: JSONObject
  let weights: Weights

  /// Bytes of a shard before the next one begins.
  private static let shardByteCount = 1 << 30

  private struct Entry {
    let name: String
    let type: ElementType
    let shape: Shape
  }

  /// Writes config and shards.
  ///
  /// - Returns: bytes of all tensors.
  func write() throws -> Int {
    try writeText("config.json", JSONValue.object(config))
    let entries = try self.entries()
    var shard: [Entry] = []
    var shards: [[Entry]] = []
    var (byteCount, total) = (0, 0)
    for entry in entries {
      let size = entry.shape.elementCount * entry.type.bitWidth / 8
      shard.append(entry)
      byteCount += size
      total += size
      if byteCount >= Self.shardByteCount {
        shards.append(shard)
        (shard, byteCount) = ([], 0)
      }
    }
    if !shard.isEmpty { shards.append(shard) }
    for (number, entries) in shards.enumerated() {
      try writeShard(
        "model-\(Self.digits(number + 1))-of-\(Self.digits(shards.count)).safetensors", entries)
    }
    return total
  }

  private static func digits(_ number: Int) -> String {
    String(repeating: "0", count: max(0, 5 - String(number).count)) + String(number)
  }

  // MARK: Names and shapes

  /// Every tensor the family's table expects.
  private func entries() throws -> [Entry] {
    let parameters = try ModelParameters(
      table: table, config: config, file: "config.json", tensorNames: [])
    var result: [Entry] = []
    for group in table.groups where !group.isDraft {
      let count = try group.count?.value(in: parameters.bindings) ?? 1
      for layer in 0..<count {
        var bindings = parameters.bindings
        bindings.integers["index"] = layer
        if let ratios = bindings.arrays["compress_ratios"] {
          bindings.integers["ratio"] = ratios[layer]
        }
        let prefix = group.source.replacing("{layer}", with: "\(layer)")
        for tensor in group.tensors where !tensor.names.isEmpty && !tensor.isOptional {
          if let condition = tensor.condition, try condition.value(in: bindings) == 0 { continue }
          let shape = try tensor.shape.map { try $0.value(in: bindings) }
          let name = table.optionalPrefix(for: prefix + tensor.names[0])
          if tensor.stack == nil {
            result += stored(name, tensor.role, Shape(shape))
          } else {
            for expert in 0..<shape[0] {
              result += stored(
                name.replacing("{expert}", with: "\(expert)"), tensor.role,
                Shape(Array(shape[1...])))
            }
          }
        }
      }
    }
    return result
  }

  private func stored(_ name: String, _ role: String, _ shape: Shape) -> [Entry] {
    let (rows, columns) = (shape.rowCount, shape.rowLength)
    let stem = name.hasSuffix(".weight") ? String(name.dropLast(".weight".count)) : name
    switch encoding(of: TensorRole(rawValue: role) ?? .norm) {
    case .fp8:
      return [
        Entry(name: name, type: .f8e4m3, shape: shape),
        Entry(
          name: stem + ".scale", type: .f8e8m0,
          shape: [rows.dividedRoundingUp(by: 128), columns.dividedRoundingUp(by: 128)]),
      ]
    case .fp4:
      return [
        Entry(name: name, type: .i8, shape: [rows, columns / 2]),
        Entry(name: stem + ".scale", type: .f8e8m0, shape: [rows, columns / 32]),
      ]
    case .table: return [Entry(name: name, type: .i64, shape: shape)]
    case .f32: return [Entry(name: name, type: .f32, shape: shape)]
    case .bf16: return [Entry(name: name, type: .bf16, shape: shape)]
    }
  }

  private enum Encoding { case bf16, f32, fp8, fp4, table }

  /// DeepSeek-V4's release for its own family; one encoding for all matrices otherwise.
  private func encoding(of role: TensorRole) -> Encoding {
    switch role {
    case .routingTable: .table
    case .hyperConnection, .attentionSink, .routerBias: .f32
    case .routedExpert: weights == .bf16 ? .bf16 : .fp4
    case .lowRankAttention, .sharedExpert, .indexerQuery: weights == .bf16 ? .bf16 : .fp8
    case .attention, .feedForward:
      switch weights {
      case .bf16, .released: .bf16
      case .fp8: .fp8
      case .fp4: .fp4
      }
    default: .bf16
    }
  }

  // MARK: Bytes

  private func writeText(_ name: String, _ value: JSONValue) throws {
    var writer = JSONWriter()
    writer.value(value)
    let file = try OutputFile(creating: folder + "/" + name, durable: false)
    try file.write(writer.bytes, at: 0)
    try file.finish()
  }

  private func writeShard(_ name: String, _ entries: [Entry]) throws {
    let header = try SafetensorsHeader(
      tensors: entries.map { .init(TensorName($0.name), $0.type, $0.shape) }, file: name)
    let file = try OutputFile(creating: folder + "/" + name, durable: false)
    try file.write(header.bytes, at: 0)
    for (entry, range) in zip(entries, header.ranges) {
      let pattern = RandomPattern.bytes(entry.type)
      for start in stride(from: 0, to: range.byteCount, by: pattern.count) {
        let count = min(pattern.count, range.byteCount - start)
        try pattern.withUnsafeBytes {
          try file.write(UnsafeRawBufferPointer(rebasing: $0[..<count]), at: range.offset + start)
        }
      }
    }
    try file.finish()
  }
}

extension ArchitectureTable {
  /// A source name as the family's releases spell it: DeepSeek-V4 without its optional prefix.
  fileprivate func optionalPrefix(for name: String) -> String {
    architecture == "deepseek4" || name.hasPrefix("lm_head") ? name : optionalPrefix + name
  }
}

/// A megabyte of random stored elements of each type, finite and of the size weights have.
private enum RandomPattern {
  /// No multiple of a row of any matrix, so that rows differ.
  private static let byteCount = (1 << 20) - 104

  static func bytes(_ type: ElementType) -> [UInt8] {
    cache[type] ?? make(type)
  }

  private static let cache: [ElementType: [UInt8]] = {
    var cache: [ElementType: [UInt8]] = [:]
    for type in [ElementType.bf16, .f32, .f8e4m3, .f8e8m0, .i8, .i64] { cache[type] = make(type) }
    return cache
  }()

  private static func make(_ type: ElementType) -> [UInt8] {
    var state: UInt64 = 0x9E37_79B9_7F4A_7C15
    func next() -> UInt64 {
      state ^= state << 13
      state ^= state >> 7
      state ^= state << 17
      return state
    }
    var bytes: [UInt8] = []
    bytes.reserveCapacity(byteCount)
    while bytes.count < byteCount {
      let random = next()
      switch type {
      // Magnitudes from 2^-7 to 2, all mantissas.
      case .bf16: append(UInt16(truncatingIfNeeded: random & 0x83FF) | 0x3C00, to: &bytes)
      case .f32: append(UInt32(truncatingIfNeeded: random & 0x80FF_FFFF) | 0x3C00_0000, to: &bytes)
      case .f8e4m3:
        let code = UInt8(truncatingIfNeeded: random)
        bytes.append(code & 0x7F == 0x7F ? code ^ 1 : code)
      case .f8e8m0: bytes.append(118 + UInt8(truncatingIfNeeded: random % 4))
      // Numbers of experts.
      case .i64: append(random % 256, to: &bytes)
      default: bytes.append(UInt8(truncatingIfNeeded: random))
      }
    }
    return bytes
  }

  private static func append<T: FixedWidthInteger>(_ value: T, to bytes: inout [UInt8]) {
    withUnsafeBytes(of: value.littleEndian) { bytes.append(contentsOf: $0) }
  }
}

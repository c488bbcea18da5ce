import QuernQuantization
import QuernTensors
import QuernTestSupport
import Testing

@testable import QuernConversion

/// Every source encoding through a matrix whose rows change places and that takes several chunks,
/// against a decoding of its own.
struct EncodingTests {
  private static let heads = 11
  private static let headRows = 96
  private static let width = heads * headRows
  private static let query = "layers.0.self_attn.q_proj"

  struct Source: CustomTestStringConvertible {
    let name: String
    let type: ElementType
    var scale: ElementType?
    var block: (rows: Int, columns: Int) = (128, 128)
    /// What `source` makes of it.
    let lossless: NumberFormat
    var testDescription: String { name }
  }

  static let sources = [
    Source(name: "F32", type: .f32, lossless: .f32),
    Source(name: "F16", type: .f16, lossless: .f16),
    Source(name: "BF16", type: .bf16, lossless: .bf16),
    Source(name: "E4M3 and powers of two", type: .f8e4m3, scale: .f8e8m0, lossless: .bf16),
    Source(name: "E4M3 and any scales", type: .f8e4m3, scale: .f32, lossless: .f32),
    Source(
      name: "E4M3 in blocks of 48x100", type: .f8e4m3, scale: .f32, block: (48, 100),
      lossless: .f32),
    Source(
      name: "E4M3 in one block", type: .f8e4m3, scale: .f32, block: (1 << 20, 1 << 20),
      lossless: .f32),
    Source(name: "E5M2", type: .f8e5m2, scale: .f8e8m0, block: (1, 1000), lossless: .bf16),
    Source(name: "FP4 in I8", type: .i8, scale: .f8e8m0, lossless: .mxfp4),
    Source(name: "FP4 in F4", type: .f4, scale: .f8e8m0, lossless: .mxfp4),
  ]

  // MARK: Building and decoding

  private func config(_ source: Source) -> String {
    """
    {"architectures": ["LlamaForCausalLM"], "num_hidden_layers": 1, "hidden_size": \(Self.width),
     "max_position_embeddings": 64, "intermediate_size": 32, "vocab_size": 4,
     "num_attention_heads": \(Self.heads), "num_key_value_heads": 1, "rms_norm_eps": 1e-5,
     "tie_word_embeddings": true, "quantization_config": {"quant_method": "fp8",
     "weight_block_size": [\(source.block.rows), \(source.block.columns)]}}
    """
  }

  private func zeros(_ name: String, _ shape: [Int]) -> CheckpointBuilder.Tensor {
    .init(name, .bf16, shape, [UInt8](repeating: 0, count: 2 * shape.reduce(1, *)))
  }

  private func builder(_ source: Source) -> CheckpointBuilder {
    let (width, block) = (Self.width, "layers.0.")
    var builder = CheckpointBuilder(
      tensors: [
        zeros("embed_tokens.weight", [4, width]), zeros("norm.weight", [width]),
        zeros(block + "input_layernorm.weight", [width]),
        zeros(block + "self_attn.k_proj.weight", [96, width]),
        zeros(block + "self_attn.v_proj.weight", [96, width]),
        zeros(block + "self_attn.o_proj.weight", [width, width]),
        zeros(block + "post_attention_layernorm.weight", [width]),
        zeros(block + "mlp.gate_proj.weight", [32, width]),
        zeros(block + "mlp.up_proj.weight", [32, width]),
        zeros(block + "mlp.down_proj.weight", [width, 32]),
      ], config: config(source), shardCount: 3)
    builder.tensors += matrix(source)
    return builder
  }

  /// Random codes without NaN, and scales around 1.
  private func matrix(_ source: Source) -> [CheckpointBuilder.Tensor] {
    var generator = SeededGenerator(seed: 77)
    let isFP4 = [.i8, .f4].contains(source.type)
    let count = Self.width * Self.width * (isFP4 ? 4 : source.type.bitWidth) / 8
    var codes: [UInt8] = []
    codes.reserveCapacity(count + 8)
    while codes.count < count {
      var word = generator.next()
      switch source.type {
      // Exponents around 1: no NaN, no infinity.
      case .f32: word = word & 0xbfff_ffff_bfff_ffff | 0x3000_0000_3000_0000
      case .f16, .bf16: word = word & 0xbfff_bfff_bfff_bfff | 0x3000_3000_3000_3000
      case .f8e4m3, .f8e5m2: word &= 0xbfbf_bfbf_bfbf_bfbf
      default: break
      }
      withUnsafeBytes(of: word.littleEndian) { codes += $0 }
    }
    codes.removeLast(codes.count - count)
    let stored = source.type == .i8 ? [Self.width, Self.width / 2] : [Self.width, Self.width]
    let weight = CheckpointBuilder.Tensor(Self.query + ".weight", source.type, stored, codes)
    guard let scaleType = source.scale else { return [weight] }
    let (rows, columns) = scaleShape(source)
    let bytes =
      scaleType == .f8e8m0
      ? (0..<rows * columns).map { _ in UInt8.random(in: 120...134, using: &generator) }
      : [UInt8](
        floats: (0..<rows * columns).map { _ in Float.random(in: 0.01...3, using: &generator) })
    return [weight, .init(Self.query + ".scale", scaleType, [rows, columns], bytes)]
  }

  private func scaleShape(_ source: Source) -> (Int, Int) {
    if [.i8, .f4].contains(source.type) { return (Self.width, Self.width / 32) }
    return (
      (Self.width + source.block.rows - 1) / source.block.rows,
      (Self.width + source.block.columns - 1) / source.block.columns
    )
  }

  /// The value at a place of the source.
  private func value(
    _ source: Source, _ codes: [UInt8], _ scales: [UInt8], row: Int, column: Int
  ) -> Float {
    let index = row * Self.width + column
    let word = { (start: Int) in UInt16(codes[start]) | UInt16(codes[start + 1]) << 8 }
    switch source.type {
    case .f32:
      return Float(bitPattern: UInt32(word(4 * index)) | UInt32(word(4 * index + 2)) << 16)
    case .f16: return F16.decode(word(2 * index))
    case .bf16: return BF16.decode(word(2 * index))
    case .i8, .f4:
      let nibble = column % 2 == 0 ? codes[index / 2] & 15 : codes[index / 2] >> 4
      return E2M1.decode(nibble) * E8M0.decode(scales[index / 32])
    default:
      let block = row / source.block.rows * scaleShape(source).1 + column / source.block.columns
      let scale =
        source.scale == .f8e8m0
        ? E8M0.decode(scales[block])
        : Float(
          bitPattern: (0..<4).reduce(0) { $0 | UInt32(scales[4 * block + $1]) << (8 * $1) })
      let table = source.type == .f8e4m3 ? FP8Table.e4m3 : FP8Table.e5m2
      return table[Int(codes[index])] * scale
    }
  }

  /// √(noise / signal) against the source's values at the places where Llama's GGUF has them.
  private func relativeError(_ source: Source, _ values: [Float]) -> Double {
    let tensors = matrix(source)
    let (codes, scales) = (tensors[0].bytes, tensors.last?.bytes ?? [])
    var (noise, signal) = (0.0, 0.0)
    for row in 0..<Self.width {
      let within = row % Self.headRows
      let sourceRow = row - within + within % 2 * (Self.headRows / 2) + within / 2
      for column in 0..<Self.width {
        let expected = Double(value(source, codes, scales, row: sourceRow, column: column))
        let error = Double(values[row * Self.width + column]) - expected
        noise += error * error
        signal += expected * expected
      }
    }
    return (noise / signal).squareRoot()
  }

  // MARK: Claims

  /// - Parameter chunkRows: rows of a chunk in place of those of the plan.
  private func converted(_ source: Source, recipe: String, chunkRows: Int? = nil) throws -> (
    values: [Float], format: NumberFormat, classification: String
  ) {
    let (input, output) = (try TemporaryFolder(), try TemporaryFolder())
    var plan = try Converting.plan(
      try builder(source).write("model", in: input), recipe: Converting.recipe(recipe))
    let index = try #require(plan.tensors.firstIndex { $0.name == "blk.0.attn_q.weight" })
    let planned = plan.tensors[index]
    if let chunkRows { plan.tensors[index] = planned.cut(intoChunksOf: chunkRows) }
    // All but the half bytes of FP4 take several chunks.
    #expect(planned.grid.chunkCount > 1 || [.i8, .f4].contains(source.type))
    let rows = try Converting.run(plan, in: output, threads: 3).rows
    let row = try #require(rows.first { $0.name == planned.name })
    let tensor = try #require(try Converting.tensors(output.path("out.gguf"))[planned.name])
    let values = try #require(ReferenceDecoder.decode(planned.format, tensor.bytes))
    return (values, planned.format, "\(row.classification)")
  }

  /// How many values differ from the source's at the place where Llama's GGUF has them.
  private func differences(_ source: Source, _ values: [Float]) -> Int {
    let tensors = matrix(source)
    let (codes, scales) = (tensors[0].bytes, tensors.last?.bytes ?? [])
    var count = 0
    for row in 0..<Self.width {
      let within = row % Self.headRows
      let half = within % 2 * (Self.headRows / 2)
      let sourceRow = row - within + half + within / 2
      for column in 0..<Self.width {
        let expected = value(source, codes, scales, row: sourceRow, column: column)
        if values[row * Self.width + column] != expected { count += 1 }
      }
    }
    return count
  }

  @Test(arguments: sources) func nothingIsLostAndRowsStandWhereTheyBelong(source: Source) throws {
    let result = try converted(source, recipe: "{rules: []}")
    #expect(result.format == source.lossless && result.classification == "exact")
    #expect(differences(source, result.values) == 0)
  }

  /// Heads of 96 rows in blocks of 128: most chunks begin in the middle of a row of scales.
  @Test(arguments: sources) func chunksMayBeginWithinTheRowsOfAScale(source: Source) throws {
    let result = try converted(source, recipe: "{rules: []}", chunkRows: Self.headRows)
    #expect(result.classification == "exact")
    #expect(differences(source, result.values) == 0)
  }

  @Test(arguments: sources.suffix(2)) func int8OfFP4IsExactAlsoWherePermuted(source: Source) throws
  {
    let result = try converted(source, recipe: #"{rules: [{match: "*attn_q*", type: "q8_0"}]}"#)
    #expect(result.format == .q8_0 && result.classification == "exact")
    #expect(differences(source, result.values) == 0)
  }

  @Test(arguments: sources.suffix(1)) func int4OfFP4KeepsItsBoundAlsoWherePermuted(source: Source)
    throws
  {
    let result = try converted(source, recipe: #"{rules: [{match: "*attn_q*", type: "q4_0"}]}"#)
    #expect(result.format == .q4_0 && result.classification == "bounded")
    #expect(relativeError(source, result.values) < 0.15)
  }
}

extension PlannedTensor {
  /// The same tensor on another grid.
  fileprivate func cut(intoChunksOf rows: Int) -> PlannedTensor {
    var tensor = self
    tensor.grid = ChunkGrid(
      parts: grid.parts, rowsPerPart: grid.rowsPerPart, chunkRows: rows)
    return tensor
  }
}

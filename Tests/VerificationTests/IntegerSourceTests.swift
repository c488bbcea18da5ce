import Foundation
import QuernCheckpoints
import QuernContainers
import QuernConversion
import QuernTensors
import QuernTestSupport
import QuernVerification
import Testing

/// Checkpoints of integers: what both decoders read there, beside what the programs that wrote them
/// do, and conversions of them.
@Suite struct IntegerSourceTests {
  /// A folder and where its values are expected.
  struct Sample: CustomTestStringConvertible, Sendable {
    let folder: String
    let expected: String
    var testDescription: String { folder }

    func open() throws -> Checkpoint {
      try Checkpoint.open(TestData.url(folder).path, environment: [:])
    }
  }

  static let samples =
    ["w4a8", "w8a8"].map {
      Sample(folder: "ascend/sample-\($0)", expected: "ascend/sample-\($0).json")
    }
    + ["w8a8", "w4a8", "w4a16-g32", "w8a16-tensor"].map {
      Sample(
        folder: "compressed-tensors/\($0)", expected: "compressed-tensors/\($0)/expected.json")
    }

  /// Decodes in runs of a few rows, so that runs begin and end amid rows that share bytes.
  private func values(
    _ tensor: SourceTensor, _ checkpoint: Checkpoint, rowsPerRun: Int
  ) throws -> [Float] {
    let pool = FilePool()
    let rowLength = tensor.shape.rowLength
    var values: [Float] = []
    for first in stride(from: 0, to: tensor.shape.rowCount, by: rowsPerRun) {
      let count = min(rowsPerRun, tensor.shape.rowCount - first)
      let run = try SourceRun(
        tensor, firstRow: first, rowCount: count, column: 0, checkpoint: checkpoint, pool: pool)
      for row in 0..<count {
        values += [Float](unsafeUninitializedCapacity: rowLength) { buffer, initialized in
          run.decode(row: row, into: .init(rebasing: buffer[..<rowLength]))
          initialized = rowLength
        }
      }
    }
    return values
  }

  private func checksum(_ values: [Float]) -> String {
    var sum = Checksum()
    for value in values { sum.add(UInt64(value.bitPattern)) }
    return sum.hexadecimal
  }

  @Test(arguments: samples)
  func theReferenceDecoderReadsWhatTheWritersDecode(_ sample: Sample) throws {
    let checkpoint = try sample.open()
    let expected = try ExpectedValues.read(sample.expected)
    var seen = 0
    for tensor in checkpoint.tensors {
      guard let values = expected[tensor.name.text] else { continue }
      seen += 1
      let decoded = try self.values(tensor, checkpoint, rowsPerRun: 5)
      #expect(tensor.shape.dimensions == values.shape)
      #expect(checksum(decoded) == values.f32, "\(tensor.name)")
      guard let rounded = values.bf16 else { continue }
      var sum = Checksum()
      for value in decoded { sum.add(UInt64(BF16.encode(value))) }
      #expect(sum.hexadecimal == rounded, "\(tensor.name)")
    }
    #expect(seen == expected.count)
  }

  @Test(arguments: samples)
  func conversionsAreExactAndAreVerified(_ sample: Sample) throws {
    let output = try ConvertedOutput(
      sample.open(), recipe: try Recipe.load("source", target: .gguf))
    #expect(output.certificate.rows.allSatisfy { $0.classification == .exact })
    for against in [true, false] { #expect(try output.verify(against: against).failures == []) }
    let expected = try ExpectedValues.read(sample.expected)
    let path = output.path
    let (file, input) = (try GGUFFile(path: path), try InputFile(path: path))
    var seen = 0
    // Rows of the query change places in a Llama, and experts are stacked.
    for row in output.certificate.rows where row.file == 0 && row.sources.count == 1 {
      guard !row.name.contains("attn_q.") && !row.name.contains("attn_k."),
        let values = expected[row.sources[0].name],
        let tensor = file.tensors.first(where: { $0.name.text == row.name })
      else { continue }
      seen += 1
      let bytes = try input.bytes(in: tensor.range)
      var sum = Checksum()
      for place in stride(from: 0, to: bytes.count, by: 4) {
        sum.add(UInt64(bytes.withUnsafeBytes { $0.littleEndianUInt32(at: place) }))
      }
      #expect(tensor.type.name == "F32" && sum.hexadecimal == values.f32, "\(row.name)")
    }
    #expect(seen > 12)
  }

  @Test(arguments: samples)
  func theyAreQuantizedLikeAnySource(_ sample: Sample) throws {
    let output = try ConvertedOutput(
      sample.open(), recipe: try Recipe.load("q8_0", target: .gguf))
    for against in [true, false] { #expect(try output.verify(against: against).failures == []) }
  }

  // MARK: What no sample has

  /// A matrix of a sample in another type of msModelSlim's.
  private func sample(
    _ weight: String, type: String, change: (inout CheckpointBuilder) -> Void
  ) throws -> (Checkpoint, TemporaryFolder) {
    var builder = try CheckpointBuilder(reading: TestData.url("ascend/sample-w8a8"))
    let name = "quant_model_description.json"
    let data = Data(builder.files[name] ?? [])
    var types = try #require(try JSONSerialization.jsonObject(with: data) as? [String: Any])
    change(&builder)
    let stem = String(weight.dropLast("weight".count))
    for key in types.keys where key.hasPrefix(stem) { types[key] = nil }
    for tensor in builder.tensors where tensor.name.hasPrefix(stem) { types[tensor.name] = type }
    builder.files[name] = [UInt8](try JSONSerialization.data(withJSONObject: types))
    let folder = try TemporaryFolder()
    let path = try builder.write("m", in: folder)
    return (try Checkpoint.open(path, environment: [:]), folder)
  }

  /// Scales that are stored as products with the scale of the activations.
  @Test(arguments: [ElementType.f32, .i64])
  func staticScalesAreDividedByTheScaleOfTheActivations(_ type: ElementType) throws {
    let name = "layers.0.attn.wq_a"
    let rows = 32
    let products = (0..<rows).map { 0.0003 + 0.0001 * Float($0) }
    let (checkpoint, folder) = try sample(name + ".weight", type: "W8A8") { builder in
      builder.tensors.removeAll {
        $0.name == name + ".weight_scale" || $0.name == name + ".weight_offset"
      }
      let bits = products.flatMap { product in
        type == .f32
          ? [UInt8](floats: [product])
          : withUnsafeBytes(of: Int64(product.bitPattern) | 1 << 46, Array.init)
      }
      builder.tensors += [
        .init(name + ".deq_scale", type, [rows], bits),
        .init(name + ".input_scale", .f32, [1], [UInt8](floats: [0.037])),
        .init(name + ".input_offset", .f32, [1], [UInt8](floats: [-3])),
        .init(name + ".quant_bias", .i32, [rows], [UInt8](repeating: 1, count: 4 * rows)),
      ]
    }
    defer { _ = folder }
    #expect(checkpoint.problems.isEmpty, "\(checkpoint.problems)")
    let tensor = try #require(checkpoint.tensors.first { $0.name.text == name + ".weight" })
    let codes = try InputFile(path: checkpoint.files[tensor.codes.file].path)
      .bytes(in: tensor.codes.range)
    let expected = codes.enumerated().map { index, byte in
      Float(Int8(bitPattern: byte)) * (products[index / tensor.shape.rowLength] / 0.037)
    }
    #expect(try values(tensor, checkpoint, rowsPerRun: 7) == expected)
    let output = try ConvertedOutput(
      checkpoint, recipe: try Recipe.load("source", target: .gguf))
    #expect(try output.verify().failures == [])
  }

  @Test func rowsWithAnOffsetAreRefused() throws {
    let name = "layers.1.ffn.experts.2.w2"
    let (checkpoint, folder) = try sample(name + ".weight", type: "W8A8_DYNAMIC") { builder in
      // The sign of zero is no offset.
      builder.change(name + ".weight_offset") { $0[3] = 0x80 }
      builder.change(name + ".weight_offset") { $0[4 * 9 + 2] = 0x40 }
    }
    defer { _ = folder }
    #expect {
      try ConvertedOutput(checkpoint, recipe: try Recipe.load("source", target: .gguf))
    } throws: { error in
      "\(error)".contains(name + ".weight_offset") && "\(error)".contains("row 9")
    }
  }

  /// A Llama whose matrices are two rows to a row of bytes, heads that change places included.
  @Test func rowPairsChangePlacesLikeOtherRows() throws {
    var builder = try CheckpointBuilder(reading: TestData.url("stories260K/f32"))
    var types: [String: Any] = ["version": "1.0.0"]
    for (index, tensor) in builder.tensors.enumerated() {
      guard tensor.name.hasSuffix("proj.weight") else {
        types[tensor.name] = "FLOAT"
        continue
      }
      let (rows, columns) = (tensor.shape[0], tensor.shape[1])
      let packed = (0..<rows / 2 * columns).map { UInt8(truncatingIfNeeded: $0 &* 37 &+ 11) }
      builder.tensors[index] = .init(tensor.name, .i8, [rows / 2, columns], packed)
      let scales = [UInt8](floats: (0..<rows).map { 0.01 + 0.002 * Float($0) })
      builder.tensors.append(.init(tensor.name + "_scale", .f32, [rows, 1], scales))
      for name in [tensor.name, tensor.name + "_scale"] { types[name] = "W4A8_DYNAMIC" }
    }
    builder.files["quant_model_description.json"] = [UInt8](
      try JSONSerialization.data(withJSONObject: types))
    let folder = try TemporaryFolder()
    let checkpoint = try Checkpoint.open(builder.write("m", in: folder), environment: [:])
    for recipe in ["source", "q8_0", "nvfp4"] {
      let output = try ConvertedOutput(
        checkpoint, recipe: try Recipe.load(recipe, target: .gguf))
      #expect(try output.verify().failures == [])
    }
  }
}

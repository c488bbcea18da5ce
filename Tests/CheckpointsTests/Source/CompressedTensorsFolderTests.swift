import Foundation
import QuernContainers
import QuernQuantization
import QuernTensors
import QuernTestSupport
import Testing

@testable import QuernCheckpoints

/// Which scheme of a config a weight has, and what is wrong with others.
struct CompressedTensorsFolderTests {
  /// A folder to be written: bytes with a scale for each row, words with a scale for each group.
  struct Folder {
    var tensors: [CheckpointBuilder.Tensor] = [
      .init("a.weight", .i8, [4, 10], [UInt8](repeating: 0, count: 40)),
      .init("a.weight_scale", .bf16, [4, 1], [UInt8](repeating: 0, count: 8)),
      .init("p.weight_packed", .i32, [4, 8], [UInt8](repeating: 0, count: 128)),
      .init("p.weight_scale", .bf16, [4, 2], [UInt8](repeating: 0, count: 16)),
      .init("p.weight_shape", .i64, [2], Self.shape(4, 64)),
      .init("n.weight", .f32, [8], [UInt8](repeating: 0, count: 32)),
    ]
    var bytes: [String: Any] = ["num_bits": 8, "strategy": "channel", "type": "int"]
    var words: [String: Any] = [
      "num_bits": 4, "strategy": "group", "group_size": 32, "symmetric": true,
      "actorder": NSNull(), "some_future_key": 1,
    ]
    var quantization: [String: Any] = [
      "quant_method": "compressed-tensors", "format": "pack-quantized", "ignore": ["lm_head"],
      "sparsity_config": [String: Any](), "transform_config": [String: Any](),
    ]

    static func shape(_ rows: Int, _ columns: Int) -> [UInt8] {
      [rows, columns].flatMap { number in
        withUnsafeBytes(of: Int64(number).littleEndian, Array.init)
      }
    }

    mutating func set(_ name: String, _ type: ElementType, _ shape: [Int], _ bytes: [UInt8]? = nil)
    {
      let count = shape.reduce(1, *) * type.bitWidth / 8
      let new = CheckpointBuilder.Tensor(
        name, type, shape, bytes ?? [UInt8](repeating: 0, count: count))
      if let index = tensors.firstIndex(where: { $0.name == name }) {
        tensors[index] = new
      } else {
        tensors.append(new)
      }
    }

    mutating func remove(_ name: String) { tensors.removeAll { $0.name == name } }

    func open() throws -> Checkpoint {
      let folder = try TemporaryFolder()
      var quantization = quantization
      if quantization["config_groups"] == nil {
        quantization["config_groups"] = [
          "group_0": ["targets": ["Linear"], "weights": bytes] as [String: Any],
          "group_1": ["targets": ["re:.*"], "weights": words] as [String: Any],
        ]
      }
      let config = try JSONSerialization.data(
        withJSONObject: ["quantization_config": quantization])
      let builder = CheckpointBuilder(
        tensors: tensors, config: String(decoding: config, as: UTF8.self))
      return try Checkpoint.open(builder.write("m", in: folder), environment: [:])
    }
  }

  @Test func theSchemeOfAWeightFollowsFromItsShapes() throws {
    let checkpoint = try Folder().open()
    #expect(checkpoint.dialect == .compressedTensors && checkpoint.problems.isEmpty)
    #expect(checkpoint.tensors.map(\.name) == ["a.weight", "p.weight", "n.weight"])
    #expect(
      checkpoint.tensors.map(\.encoding.description) == [
        "I8/row BF16", "I4/32 BF16 (words)", "F32",
      ])
    #expect(checkpoint.tensors.map(\.shape) == [[4, 10], [4, 64], [8]])
    let bytes = checkpoint.tensors.reduce(0) { $0 + $1.byteCount }
    #expect(bytes == checkpoint.tensorByteCount, "each tensor belongs to one")
  }

  @Test func theLastWordOfARowMayBeFilled() throws {
    var folder = Folder()
    folder.words["strategy"] = "channel"
    folder.words["group_size"] = nil
    folder.set("p.weight_shape", .i64, [2], Folder.shape(4, 57))
    folder.set("p.weight_scale", .f16, [4, 1])
    let checkpoint = try folder.open()
    #expect(checkpoint.problems.isEmpty, "\(checkpoint.problems)")
    #expect(checkpoint.tensors[1].shape == [4, 57])
    #expect(checkpoint.tensors[1].encoding.description == "I4/row F16 (words)")
  }

  struct Case: CustomTestStringConvertible, Sendable {
    let testDescription: String
    let change: @Sendable (inout Folder) -> Void
    let texts: [String]

    init(_ name: String, _ texts: [String], _ change: @escaping @Sendable (inout Folder) -> Void) {
      testDescription = name
      self.texts = texts
      self.change = change
    }
  }

  static let cases: [Case] = [
    Case("no scale", ["a.weight", "without a.weight_scale"]) { $0.remove("a.weight_scale") },
    Case("no shape", ["p.weight_packed", "p.weight_shape"]) { $0.remove("p.weight_shape") },
    Case("no codes", ["b.weight_scale", "b.weight_packed"]) {
      $0.set("b.weight_scale", .f32, [4, 1])
    },
    Case("scale of other rows", ["a.weight", "[5, 1]", "group_0: 8 bits, channel"]) {
      $0.set("a.weight_scale", .bf16, [5, 1])
    },
    Case("groups of another length", ["p.weight_packed", "[4, 4]", "4 bits, groups of 32"]) {
      $0.set("p.weight_scale", .bf16, [4, 4])
    },
    Case("scale of integers", ["a.weight_scale", "dtype", "I32", "BF16, F16 or F32"]) {
      $0.set("a.weight_scale", .i32, [4, 1])
    },
    Case("a shape of more rows", ["p.weight_shape", "[5, 64]", "4 rows"]) {
      $0.set("p.weight_shape", .i64, [2], Folder.shape(5, 64))
    },
    Case("a shape that no word holds", ["p.weight_shape", "8 words"]) {
      $0.set("p.weight_shape", .i64, [2], Folder.shape(4, .max))
    },
    Case("a shape below zero", ["p.weight_shape", "-64"]) {
      $0.set("p.weight_shape", .i64, [2], Folder.shape(4, -64))
    },
    Case("a shape of other words", ["p.weight_packed", "[4, 8] of [4, 32]"]) {
      $0.set("p.weight_shape", .i64, [2], Folder.shape(4, 32))
    },
    Case("a shape of floats", ["p.weight_shape", "F32 [2]", "I64 [2]"]) {
      $0.set("p.weight_shape", .f32, [2])
    },
    Case("words of eight bytes", ["p.weight_packed", "I64 [4, 8]", "I32"]) {
      $0.set("p.weight_packed", .i64, [4, 8])
    },
    Case("an order of columns", ["p.weight_g_idx", "an order of columns"]) {
      $0.set("p.weight_g_idx", .i32, [64])
    },
    Case("zero points in words", ["p.weight_zero_point", "symmetric"]) {
      $0.set("p.weight_zero_point", .i32, [1, 2])
    },
    Case("asymmetric weights", ["group_1.weights.symmetric", "zero points"]) {
      $0.words["symmetric"] = false
    },
    Case("weights of FP8", ["n.weight", "F8_E4M3"]) { $0.set("n.weight", .f8e4m3, [8]) },
  ]

  @Test(arguments: cases)
  func whatIsWrongIsOneProblem(_ wrong: Case) throws {
    var folder = Folder()
    wrong.change(&folder)
    let problems = try folder.open().problems.map(\.description)
    #expect(problems.count == 1, "\(problems)")
    for text in wrong.texts { #expect(problems.first?.contains(text) ?? false, "\(problems)") }
  }

  static let refused: [Case] = [
    Case("floats", ["quantization_config.format", "float-quantized"]) {
      $0.quantization["format"] = "float-quantized"
    },
    Case("sparse", ["sparsity_config.format", "sparse-24-bitmask"]) {
      $0.quantization["sparsity_config"] = ["format": "sparse-24-bitmask"]
    },
    Case("rotated", ["transform_config", "1 key"]) {
      $0.quantization["transform_config"] = ["config_groups": ["u": 1]]
    },
    Case("no groups", ["config_groups"]) { $0.quantization["config_groups"] = [1] },
    Case("a preset", ["config_groups.W4A16"]) {
      $0.quantization["config_groups"] = ["W4A16": ["Linear"]]
    },
    Case("float weights", ["group_1.weights.type"]) { $0.words["type"] = "float" },
    Case("three bits", ["group_1.weights.num_bits", "3", "4 or 8"]) { $0.words["num_bits"] = 3 },
    Case("blocks", ["group_1.weights.strategy", "block"]) { $0.words["strategy"] = "block" },
    Case("no group size", ["group_1.weights.group_size"]) { $0.words["group_size"] = NSNull() },
    Case("groups of nothing", ["group_1.weights.group_size"]) { $0.words["group_size"] = 0 },
  ]

  @Test(arguments: refused)
  func aConfigThatWouldBeReadWronglyIsRefused(_ wrong: Case) throws {
    var folder = Folder()
    wrong.change(&folder)
    let changed = folder
    #expect {
      try changed.open()
    } throws: { error in
      wrong.texts.allSatisfy { "\(error)".contains($0) } && "\(error)".contains("config.json")
    }
  }

  @Test(arguments: [
    ("w8a8", ["I8/row BF16"]), ("w4a8", ["I4/row BF16 (bytes)"]),
    ("w4a16-g32", ["I4/32 BF16 (words)", "I4/row BF16 (words)"]),
    ("w8a16-tensor", ["I8/row BF16 (words)"]),
  ])
  func whatTheLibraryWritesOpens(_ name: String, encodings: [String]) throws {
    let checkpoint = try Checkpoint.open(
      TestData.url("compressed-tensors/\(name)").path, environment: [:])
    #expect(checkpoint.problems.isEmpty && checkpoint.warnings.isEmpty)
    let integers = checkpoint.tensors.filter(\.encoding.isInteger)
    #expect(Set(integers.map(\.encoding.description)).sorted() == encodings)
    #expect(integers.count == 35)
  }
}

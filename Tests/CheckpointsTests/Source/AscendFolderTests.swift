import Foundation
import QuernContainers
import QuernQuantization
import QuernTensors
import QuernTestSupport
import Testing

@testable import QuernCheckpoints

/// Which tensors belong to a weight by the types of a description, and what is wrong with others.
struct AscendFolderTests {
  /// A folder to be written: a weight of each type that can be read.
  struct Folder {
    var tensors: [CheckpointBuilder.Tensor] = []
    var description: [String: Any] = [
      "version": "1.0.0", "model_quant_type": "W8A8_DYNAMIC", "group_size": 0,
      "metadata": [String: Any](), "optional": [String: Any](),
    ]
    var config: String?
    var files: [String: [UInt8]] = [:]

    mutating func add(_ name: String, _ type: ElementType, _ shape: [Int], _ kind: String) {
      let count = shape.reduce(1, *) * type.bitWidth / 8
      tensors.append(.init(name, type, shape, [UInt8](repeating: 0, count: count)))
      description[name] = kind
    }

    mutating func remove(_ name: String) {
      tensors.removeAll { $0.name == name }
      description[name] = nil
    }

    /// Another type and shape for a tensor that is there.
    mutating func change(_ name: String, _ type: ElementType, _ shape: [Int]) {
      guard let index = tensors.firstIndex(where: { $0.name == name }) else { return }
      let count = shape.reduce(1, *) * type.bitWidth / 8
      tensors[index] = .init(name, type, shape, [UInt8](repeating: 0, count: count))
    }

    static var whole: Folder {
      var folder = Folder()
      for (name, kind) in [("d", "W8A8_DYNAMIC"), ("f", "W4A4_DYNAMIC"), ("m", "W8A8_MIX")] {
        folder.add("\(name).weight", .i8, [4, 8], kind)
        folder.add("\(name).weight_scale", .f32, [4, 1], kind)
        folder.add("\(name).weight_offset", .f32, [4, 1], kind)
      }
      folder.add("e.weight", .i8, [2, 16], "W4A8_DYNAMIC")
      folder.add("e.weight_scale", .f32, [4, 1], "W4A8_DYNAMIC")
      folder.add("e.weight_offset", .f32, [4, 1], "W4A8_DYNAMIC")
      folder.add("e.scale_bias", .f32, [4, 16], "W4A8_DYNAMIC")
      for (name, kind) in [("s", "W8A8"), ("m", "W8A8_MIX")] {
        if name == "s" { folder.add("s.weight", .i8, [4, 8], kind) }
        folder.add("\(name).deq_scale", name == "s" ? .i64 : .f32, [4], kind)
        folder.add("\(name).input_scale", .f32, [1], kind)
        folder.add("\(name).input_offset", .f32, [1], kind)
        folder.add("\(name).quant_bias", .i32, [4], kind)
      }
      folder.add("g.weight", .i8, [4, 8], "W8A16")
      folder.add("g.weight_scale", .f32, [4, 2], "W8A16")
      folder.add("g.weight_offset", .f32, [4, 2], "W8A16")
      folder.add("n.weight", .f32, [8], "FLOAT")
      folder.add("hc_head_fn", .f32, [4], "FLOAT")
      return folder
    }

    func open(description text: String? = nil) throws -> Checkpoint {
      let folder = try TemporaryFolder()
      var builder = CheckpointBuilder(tensors: tensors, config: config)
      builder.files = files
      let json = try JSONSerialization.data(withJSONObject: description)
      builder.files["quant_model_description.json"] = text.map { Array($0.utf8) } ?? [UInt8](json)
      return try Checkpoint.open(builder.write("m", in: folder), environment: [:])
    }
  }

  @Test func everyTypeIsReadWithWhatBelongsToIt() throws {
    let checkpoint = try Folder.whole.open()
    #expect(checkpoint.dialect == .ascend)
    #expect(checkpoint.problems.isEmpty && checkpoint.warnings.isEmpty)
    let encodings = Dictionary(
      uniqueKeysWithValues: checkpoint.tensors.map { ($0.name.text, $0.encoding.description) })
    #expect(
      encodings == [
        "d.weight": "I8/row F32", "e.weight": "I4/row F32 (row pairs)",
        "f.weight": "I4/row F32 (bytes)", "g.weight": "I8/4 F32", "hc_head_fn": "F32",
        "m.weight": "I8/row F32", "n.weight": "F32", "s.weight": "I8/row I64",
      ])
    let bytes = checkpoint.tensors.reduce(0) { $0 + $1.byteCount }
    #expect(bytes == checkpoint.tensorByteCount, "each tensor belongs to one")
    let packed = try #require(checkpoint.tensors.first { $0.name == "e.weight" })
    #expect(packed.shape == [4, 16] && packed.codeByteCount(rows: 4) == 32)
    #expect(packed.rowGranule == 2 && packed.companions.map(\.name) == ["e.scale_bias"])
    let fixed = try #require(checkpoint.tensors.first { $0.name == "s.weight" })
    #expect(fixed.scale?.name == "s.deq_scale" && fixed.scaleDivisor?.name == "s.input_scale")
    let mixed = try #require(checkpoint.tensors.first { $0.name == "m.weight" })
    #expect(mixed.scale?.name == "m.weight_scale" && mixed.scaleDivisor == nil)
  }

  struct Case: CustomTestStringConvertible, Sendable {
    let testDescription: String
    let change: @Sendable (inout Folder) -> Void
    /// What the one problem says.
    let texts: [String]

    init(_ name: String, _ texts: [String], _ change: @escaping @Sendable (inout Folder) -> Void) {
      testDescription = name
      self.texts = texts
      self.change = change
    }
  }

  static let cases: [Case] = [
    Case("no scale", ["d.weight", "without d.weight_scale"]) { $0.remove("d.weight_scale") },
    Case("no product of scales", ["s.weight", "s.deq_scale"]) { $0.remove("s.deq_scale") },
    Case("no scale of activations", ["s.weight", "s.input_scale"]) { $0.remove("s.input_scale") },
    Case("flat scale", ["d.weight_scale", "shape", "[4]", "[4, 1]"]) {
      $0.change("d.weight_scale", .f32, [4])
    },
    Case("scale of other rows", ["e.weight_scale", "[2, 1]", "[4, 1]"]) {
      $0.change("e.weight_scale", .f32, [2, 1])
    },
    Case("scale of bytes", ["d.weight_scale", "dtype", "I8", "F32 or BF16 or F16"]) {
      $0.change("d.weight_scale", .i8, [4, 1])
    },
    Case("offset of other rows", ["d.weight_offset", "[8, 1]", "[4, 1]"]) {
      $0.change("d.weight_offset", .f32, [8, 1])
    },
    Case("groups that divide no row", ["g.weight_scale", "[4, 3]", "divide the 8 columns"]) {
      $0.change("g.weight_scale", .f32, [4, 3])
      $0.change("g.weight_offset", .f32, [4, 3])
    },
    Case("bias of eight parts", ["e.scale_bias", "[4, 8]", "[4, 1] or [4, 16]"]) {
      $0.change("e.scale_bias", .f32, [4, 8])
    },
    Case("static scale of columns", ["s.deq_scale", "[1, 4]", "[4]"]) {
      $0.change("s.deq_scale", .i64, [1, 4])
    },
    Case("static scale of halves", ["s.deq_scale", "F16", "F32 or I64"]) {
      $0.change("s.deq_scale", .f16, [4])
    },
    Case("codes that are floats", ["d.weight", "dtype", "F32", "W8A8_DYNAMIC"]) {
      $0.change("d.weight", .f32, [4, 8])
    },
    Case("codes of a vector", ["d.weight", "shape", "[32]", "a matrix"]) {
      $0.change("d.weight", .i8, [32])
    },
    Case("float of bytes", ["n.weight", "dtype", "I8", "FLOAT"]) {
      $0.change("n.weight", .i8, [8])
    },
    Case("a type that cannot be read", ["n.weight", "W8A8_MXFP8", "W4A8_DYNAMIC"]) {
      $0.description["n.weight"] = "W8A8_MXFP8"
    },
    Case("a type that is none", ["n.weight", "\"INT9\"", "FLOAT"]) {
      $0.description["n.weight"] = "INT9"
    },
    Case("a part of another type", ["d.weight_scale", "FLOAT", "W8A8_DYNAMIC"]) {
      $0.description["d.weight_scale"] = "FLOAT"
    },
    Case("a part of no weight", ["x.weight_scale", "belongs to no weight"]) {
      $0.add("x.weight_scale", .f32, [4, 1], "W8A8_DYNAMIC")
    },
    Case("a second scale", ["d.weight_scale_second", "belongs to no weight"]) {
      $0.add("d.weight_scale_second", .f32, [4, 1], "W8A8_DYNAMIC")
    },
    Case("a tensor without a type", ["n.weight", "no such key"]) {
      $0.description["n.weight"] = nil
    },
    Case("a type without a tensor", ["hc_head_base", "no file holds"]) {
      $0.description["hc_head_base"] = "FLOAT"
    },
    Case("the index of another checkpoint", ["model.safetensors.index.json", "no such file"]) {
      $0.files["model.safetensors.index.json"] = Array(#"{"weight_map": {"x": "y"}}"#.utf8)
    },
  ]

  @Test(arguments: cases)
  func whatIsWrongIsOneProblem(_ wrong: Case) throws {
    var folder = Folder.whole
    wrong.change(&folder)
    let problems = try folder.open().problems.map(\.description)
    #expect(problems.count == 1, "\(problems)")
    for text in wrong.texts { #expect(problems.first?.contains(text) ?? false, "\(problems)") }
  }

  @Test(arguments: [
    ("", "malformed JSON"), ("[]", "malformed JSON"), ("{", "malformed JSON"),
    (#"{"a": "FLOAT", "a": "FLOAT"}"#, "malformed JSON"), (#"{"version": 1}"#, "version"),
    (#"{"group_size": "0"}"#, "group_size"), (#"{"group_size": -1}"#, "group_size"),
    (#"{"metadata": []}"#, "metadata"), (#"{"d.weight": {}}"#, "d.weight"),
  ])
  func aMalformedDescriptionIsRefused(text: String, field: String) {
    #expect {
      try Folder.whole.open(description: text)
    } throws: { error in
      "\(error)".contains("quant_model_description.json") && "\(error)".contains(field)
    }
  }

  @Test func whatTheConfigSaysOfAnotherMethodIsAWarning() throws {
    var folder = Folder.whole
    folder.config = #"{"quantization_config": {"quant_method": "fp8"}}"#
    #expect(try folder.open().warnings.count == 1)
    folder.config = #"{"quantization_config": {"quant_method": "ascend"}}"#
    #expect(try folder.open().warnings.isEmpty)
  }

  @Test func aConfigOfAscendNeedsADescription() throws {
    let folder = try TemporaryFolder()
    let path = try CheckpointBuilder(
      tensors: Folder.whole.tensors,
      config: #"{"quantization_config": {"quant_method": "ascend"}}"#
    ).write("m", in: folder)
    #expect {
      try Checkpoint.open(path, environment: [:])
    } throws: { "\($0)".contains("quant_model_description.json: found no such file") }
  }

  @Test func matricesMayBeLeftInFP8() throws {
    var folder = Folder.whole
    folder.add("mtp.0.wo_a.weight", .f8e4m3, [4, 8], "FLOAT")
    folder.add("mtp.0.wo_a.scale", .f8e8m0, [1, 1], "FLOAT")
    let checkpoint = try folder.open()
    #expect(checkpoint.problems.isEmpty)
    let tensor = checkpoint.tensors.first { $0.name == "mtp.0.wo_a.weight" }
    #expect(tensor?.encoding.description == "F8_E4M3/128x128 E8M0")
    folder.remove("mtp.0.wo_a.scale")
    #expect(try folder.open().problems.count == 1)
  }

  @Test func rotatedWeightsAreWarnedOf() throws {
    var folder = Folder.whole
    folder.description["metadata"] = ["quarot": ["max_tp_size": 4]]
    #expect(try folder.open().warnings.map { $0.contains("rotated") } == [true])
  }

  @Test func unknownKeysAreWarnedOf() throws {
    var folder = Folder.whole
    folder.description["producer"] = "me"
    folder.description["layers.0.indexer.quant_type"] = "INT8_DYNAMIC"
    let checkpoint = try folder.open()
    #expect(checkpoint.problems.isEmpty && checkpoint.warnings.count == 1)
    #expect(checkpoint.warnings[0].contains("producer"))
  }

  @Test(arguments: ["w4a8", "w8a8"])
  func theSamplesOfAnotherProducerOpen(_ name: String) throws {
    let checkpoint = try Checkpoint.open(
      TestData.url("ascend/sample-\(name)").path, environment: [:])
    #expect(checkpoint.problems.isEmpty && checkpoint.warnings.isEmpty)
    #expect(checkpoint.files.count == 2 && checkpoint.tensors.count == 162)
    let expected = try ExpectedValues.read("ascend/sample-\(name).json")
    let integers = checkpoint.tensors.filter(\.encoding.isInteger)
    #expect(integers.count == expected.count)
    for tensor in integers {
      #expect(tensor.shape.dimensions == expected[tensor.name.text]?.shape)
    }
  }
}

import Foundation
import QuernCheckpoints
import QuernContainers
import QuernTensors
import QuernTestSupport
import Testing

@testable import QuernConversion

/// What a plan of a folder holds: types, parts, places.
struct RuntimePlanTests {
  private static let v4 = ["tiny-v4/upstream", "tiny-v4/base", "tiny-v4/dspark"]
  private static let families = ["llama", "qwen2", "qwen3", "qwen3-moe", "mixtral", "deepseek-v3"]

  private func plan(_ family: String, _ recipe: String, to target: ConversionTarget = .ascend)
    throws -> ConversionPlan
  {
    let folder = try TemporaryFolder()
    return try Folders.plan(
      CheckpointBuilder(family: family).write("model", in: folder), recipe, to: target)
  }

  private func words(_ plan: ConversionPlan) -> [String: String] {
    Dictionary(uniqueKeysWithValues: plan.tensors.map { ($0.name, $0.storage.word) })
  }

  // MARK: Types

  @Test(arguments: v4, ["w8a8", "w4a8"])
  func modulesOfDeepSeekV4HaveTheTypesOfMsModelSlimsTables(checkpoint: String, recipe: String)
    throws
  {
    let plan = try Folders.plan(testData: checkpoint, recipe)
    let quantized =
      #/(attn\.(wq_a|wq_b|wkv|indexer\.wq_b)|ffn\.shared_experts\.w\d|ffn\.experts\.\d+\.w\d)\.weight$/#
    for tensor in plan.tensors {
      let isExpert = tensor.name.contains(".experts.")
      let integers = isExpert && recipe == "w4a8" ? "w4a8_dynamic" : "w8a8_dynamic"
      if tensor.name.contains(quantized) {
        #expect(tensor.storage.word == integers, "\(tensor.name)")
      } else {
        #expect(tensor.storage.integerFormat == nil, "\(tensor.name)")
      }
    }
  }

  @Test(arguments: families)
  func modulesOfOtherFamiliesAreIntegersButForWhatTheRuntimeReads(family: String) throws {
    for (recipe, experts) in [("w8a8", "w8a8_dynamic"), ("w4a8", "w4a8_dynamic")] {
      for (name, word) in words(try plan(family, recipe)) {
        let isFloat = name.contains(
          #/(embed_tokens|lm_head|norm|gate|kv_b_proj)\.weight$|bias$/#)
        if isFloat {
          #expect(["bf16", "f32"].contains(word), "\(name)")
        } else {
          #expect(word == (name.contains(".experts.") ? experts : "w8a8_dynamic"), "\(name)")
        }
      }
    }
  }

  @Test(arguments: [("w8a8", "w8a8"), ("w8a16", "w8a16_g128"), ("w4a16", "w4a16_g128")])
  func aModelOfCompressedTensorsHasTheWordOfItsRecipe(recipe: String, word: String) throws {
    let plan = try plan("llama", recipe, to: .compressedTensors)
    let integers = plan.tensors.filter { $0.storage.integerFormat != nil }
    #expect(integers.count == 3 * 7)
    #expect(integers.allSatisfy { $0.storage.word == word && $0.name.contains("_proj.weight") })
  }

  @Test(arguments: v4) func everyTensorOfTheMapIsThere(checkpoint: String) throws {
    let plan = try Folders.plan(testData: checkpoint, "w8a8")
    let parameters = try ModelFamily.parameters(of: plan.checkpoint, keepsDraft: true)
    let map = try RuntimeMap(checkpoint: plan.checkpoint, parameters: parameters)
    #expect(plan.tensors.map(\.name) == map.tensors.map(\.name))
    let stored = plan.tensors.flatMap { $0.parts.map(\.name) }
    #expect(Set(stored).count == stored.count)
  }

  @Test func draftStagesThatAreDroppedHaveNoTensorsAndAreNotPromised() throws {
    let plan = try Folders.plan(
      testData: "tiny-v4/upstream", "w8a8", options: ConversionOptions(draft: .drop))
    #expect(!plan.tensors.contains { $0.name.hasPrefix("mtp.") })
    let config = try #require(plan.files.first { $0.name == "config.json" })
    let json = try #require(JSONValue(parsing: config.header).object)
    #expect(json["num_nextn_predict_layers"]?.integer == 0)
  }

  // MARK: Parts

  private func expectedParts(_ tensor: PlannedTensor, isCut: Bool) -> [String] {
    let (rows, columns) = (tensor.shape.rowCount, tensor.rowLength)
    let words = { (bits: Int, group: Int) in
      [
        "weight_packed I32 [\(rows), \(columns * bits / 32)]",
        "weight_scale BF16 [\(rows), \(columns / group)]",
      ]
    }
    let offsets = ["weight_scale F32 [\(rows), 1]", "weight_offset F32 [\(rows), 1]"]
    switch tensor.storage.word {
    case "w8a8_dynamic", "w8a16": return ["weight I8 [\(rows), \(columns)]"] + offsets
    case "w4a8_dynamic":
      return ["weight I8 [\(rows / 2), \(columns)]"] + offsets
        + ["scale_bias F32 [\(rows), \(isCut ? 16 : 1)]"]
    case "w8a8": return ["weight I8 [\(rows), \(columns)]", "weight_scale BF16 [\(rows), 1]"]
    case "w4a16_g128": return words(4, 128)
    case "w8a16_g128": return words(8, 128)
    default: return []
    }
  }

  private func checkParts(_ plan: ConversionPlan) {
    for tensor in plan.tensors where tensor.storage.integerFormat != nil {
      let stem = tensor.name.dropLast("weight".count)
      let isCut = tensor.name.contains(#/(w2|down_proj|o_proj)\.weight$/#)
      let found = tensor.parts.map {
        "\($0.name.dropFirst(stem.count)) \($0.elementType?.rawValue ?? "") \($0.shape.dimensions)"
      }
      #expect(tensor.parts.allSatisfy { $0.name.hasPrefix(stem) })
      #expect(found == expectedParts(tensor, isCut: isCut), "\(tensor.name)")
    }
  }

  @Test func matricesHaveThePartsOfTheirTypes() throws {
    for recipe in ["w8a8", "w4a8"] {
      checkParts(try Folders.plan(testData: "tiny-v4/upstream", recipe))
      for family in Self.families { checkParts(try plan(family, recipe)) }
    }
    let w8a16 = #"{rules: [{match: "role:attention", type: "w8a16"}]}"#
    checkParts(try plan("llama", w8a16))
    for recipe in ["w8a8", "w8a16", "w4a16"] {
      checkParts(try plan("llama", recipe, to: .compressedTensors))
    }
  }

  @Test func packedMatricesHaveTheirShapeBesideThem() throws {
    let plan = try plan("llama", "w4a16", to: .compressedTensors)
    let packed = plan.tensors.filter { $0.storage.integerFormat != nil }
    let shapes = plan.tensors.filter { $0.name.hasSuffix(".weight_shape") }
    #expect(shapes.map(\.name) == packed.map { $0.name + "_shape" })
    for (tensor, shape) in zip(packed, shapes) {
      #expect(shape.expression == .values(tensor.shape.dimensions.map { Float($0) }))
      #expect(shape.storage == .numbers(.i32))
    }
  }

  // MARK: Places

  @Test(arguments: [nil, 1_000_000, 50_000])
  func everyPartIsAlignedWithoutGapsInTheFileOfItsTensor(limit: Int?) throws {
    for recipe in ["w8a8", "w4a8"] {
      let plan = try Folders.plan(
        testData: "tiny-v4/upstream", recipe,
        options: ConversionOptions(splitMaxByteCount: limit, relayout: .nz))
      for (number, file) in plan.files.enumerated() where !file.tensors.isEmpty {
        var spans: [(offset: Int, byteCount: Int)] = []
        for tensor in file.tensors {
          for (part, place) in zip(plan.tensors[tensor].parts, plan.places[tensor])
          where part.home == file.home {
            #expect(place.file == number)
            #expect(place.offset % ((part.elementType?.bitWidth ?? 8) / 8) == 0, "\(part.name)")
            spans.append((place.offset, part.byteCount))
          }
        }
        spans.sort { $0.offset < $1.offset }
        var end = file.header.count
        for span in spans {
          #expect(span.offset == end)
          end += span.byteCount
        }
        #expect(end == file.byteCount && file.header.count % 8 == 0)
      }
    }
  }

  @Test func aSplitFolderNumbersFilesThatAreNoLargerThanAsked() throws {
    let limit = 300_000
    let plan = try Folders.plan(
      testData: "tiny-v4/upstream", "w4a8", options: ConversionOptions(splitMaxByteCount: limit))
    let files = plan.files.filter { !$0.tensors.isEmpty }
    let count = files.count
    #expect(count > 20)
    for (index, file) in files.enumerated() {
      let name = String(
        format: "quant_model_weights-%05d-of-%05d.safetensors", index + 1, count)
      #expect(file.name == name)
      #expect(file.byteCount - file.header.count <= limit || file.tensors.count == 1)
    }
    #expect(files.flatMap { Array($0.tensors) } == Array(plan.tensors.indices))
  }
}

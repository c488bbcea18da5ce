import Foundation
import QuernCheckpoints
import QuernContainers
import QuernTensors
import QuernTestSupport
import QuernVerification
import Testing

/// The worked examples of `formats/ascend/folder` and `formats/compressed-tensors`.
@Suite struct IntegerFolderSpecTests {
  private struct Example {
    var builder = CheckpointBuilder()
    var values: [String: (shape: [Int], values: [Float])] = [:]
  }

  private struct Malformed: Error {}

  private func examples(_ path: String) throws -> [Example] {
    let data = try Data(contentsOf: TestData.format(path))
    let json = try JSONSerialization.jsonObject(with: data)
    guard let list = (json as? [String: Any])?["examples"] as? [[String: Any]] else {
      throw Malformed()
    }
    return try list.map(example)
  }

  private func example(_ json: [String: Any]) throws -> Example {
    var example = Example()
    if let config = json["config"] {
      let text = try JSONSerialization.data(withJSONObject: config)
      example.builder.config = String(decoding: text, as: UTF8.self)
    }
    if let description = json["description"] {
      let text = try JSONSerialization.data(withJSONObject: description)
      example.builder.files["quant_model_description.json"] = [UInt8](text)
    }
    for tensor in json["tensors"] as? [[String: Any]] ?? [] {
      guard let name = tensor["name"] as? String, let shape = tensor["shape"] as? [Int],
        let type = (tensor["type"] as? String).flatMap(ElementType.init),
        let bytes = (tensor["bytes"] as? String).flatMap(bytes(hexadecimal:))
      else { throw Malformed() }
      example.builder.tensors.append(.init(name, type, shape, bytes))
    }
    for value in json["values"] as? [[String: Any]] ?? [] {
      guard let name = value["name"] as? String, let shape = value["shape"] as? [Int],
        let values = value["values"] as? [NSNumber]
      else { throw Malformed() }
      example.values[name] = (shape, values.map(\.floatValue))
    }
    return example
  }

  @Test(arguments: ["ascend/folder/spec.json", "compressed-tensors/spec.json"])
  func everyExampleDecodesToItsValues(_ path: String) throws {
    for example in try examples(path) {
      let folder = try TemporaryFolder()
      let checkpoint = try Checkpoint.open(
        example.builder.write("m", in: folder), environment: [:])
      #expect(checkpoint.problems.isEmpty, "\(checkpoint.problems)")
      #expect(checkpoint.tensors.count == example.values.count && !example.values.isEmpty)
      for tensor in checkpoint.tensors {
        let expected = try #require(example.values[tensor.name.text])
        #expect(tensor.shape.dimensions == expected.shape)
        #expect(try values(tensor, checkpoint) == expected.values, "\(tensor.name)")
      }
    }
  }

  private func values(_ tensor: SourceTensor, _ checkpoint: Checkpoint) throws -> [Float] {
    let run = try SourceRun(
      tensor, firstRow: 0, rowCount: tensor.shape.rowCount, column: 0, checkpoint: checkpoint,
      pool: FilePool())
    let rowLength = tensor.shape.rowLength
    return (0..<tensor.shape.rowCount).flatMap { row in
      [Float](unsafeUninitializedCapacity: rowLength) { buffer, initialized in
        run.decode(row: row, into: .init(rebasing: buffer[..<rowLength]))
        initialized = rowLength
      }
    }
  }
}

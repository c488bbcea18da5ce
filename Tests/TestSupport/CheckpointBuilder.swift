import Foundation
import QuernContainers
import QuernTensors

/// A checkpoint to write: tensors in order, a config, one or more shards.
package struct CheckpointBuilder {
  package struct Tensor {
    package var name: String
    package var type: ElementType
    package var shape: [Int]
    package var bytes: [UInt8]

    package init(_ name: String, _ type: ElementType, _ shape: [Int], _ bytes: [UInt8]) {
      self.name = name
      self.type = type
      self.shape = shape
      self.bytes = bytes
    }
  }

  package var tensors: [Tensor] = []
  /// The text of config.json; none is written where it is nil.
  package var config: String?
  package var shardCount = 1
  /// Further files of the folder, by name.
  package var files: [String: [UInt8]] = [:]

  package init(tensors: [Tensor] = [], config: String? = nil, shardCount: Int = 1) {
    self.tensors = tensors
    self.config = config
    self.shardCount = shardCount
  }

  /// Everything that a folder of `testdata/` holds: all its shards, in their order, and its texts.
  package init(reading folder: URL) throws {
    for name in try FileManager.default.contentsOfDirectory(atPath: folder.path).sorted() {
      let path = folder.appending(path: name).path
      if name.hasSuffix(".safetensors") {
        let file = try SafetensorsFile(path: path)
        let input = try InputFile(path: path)
        for tensor in file.tensors {
          tensors.append(
            Tensor(
              tensor.name.text, tensor.elementType, tensor.shape.dimensions,
              try input.bytes(in: tensor.range)))
        }
      } else if name == "config.json" {
        config = try String(contentsOfFile: path, encoding: .utf8)
      } else if !name.hasSuffix(".index.json"), FileManager.default.contents(atPath: path) != nil {
        files[name] = [UInt8](try Data(contentsOf: URL(filePath: path)))
      }
    }
  }

  /// Writes the checkpoint as a new folder and returns its path.
  ///
  /// Tensors are dealt to the shards in turn, so that weights and scales are apart.
  @discardableResult package func write(_ name: String, in folder: TemporaryFolder) throws -> String
  {
    let url = folder.url.appending(path: name)
    try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
    if let config { try Data(config.utf8).write(to: url.appending(path: "config.json")) }
    for (name, bytes) in files { try Data(bytes).write(to: url.appending(path: name)) }
    guard shardCount > 1 else {
      try Self.write(tensors, to: url.appending(path: "model.safetensors"))
      return url.path
    }
    var map: [String: String] = [:]
    for shard in 0..<shardCount {
      let file = String(format: "model-%05d-of-%05d.safetensors", shard + 1, shardCount)
      let own = tensors.indices.filter { $0 % shardCount == shard }.map { tensors[$0] }
      for tensor in own { map[tensor.name] = file }
      try Self.write(own, to: url.appending(path: file))
    }
    let index = try JSONSerialization.data(withJSONObject: ["weight_map": map])
    try index.write(to: url.appending(path: "model.safetensors.index.json"))
    return url.path
  }

  package static func write(_ tensors: [Tensor], to url: URL) throws {
    let header = try SafetensorsHeader(
      tensors: tensors.map { .init(TensorName($0.name), $0.type, Shape($0.shape)) },
      file: url.lastPathComponent)
    try Data(header.bytes + tensors.flatMap(\.bytes)).write(to: url)
  }

  package subscript(name: String) -> Tensor? { tensors.first { $0.name == name } }

  /// Replaces the bytes of a tensor in place.
  package mutating func change(_ name: String, _ body: (inout [UInt8]) -> Void) {
    guard let index = tensors.firstIndex(where: { $0.name == name }) else { return }
    body(&tensors[index].bytes)
  }
}

extension Array where Element == UInt8 {
  /// Little-endian float32.
  package init(floats: [Float]) {
    self = floats.flatMap { value in
      Swift.withUnsafeBytes(of: value.bitPattern.littleEndian, Array.init)
    }
  }

  /// Little-endian BF16, rounded to nearest even.
  package init(bf16 values: [Float]) {
    self = values.flatMap { value in
      Swift.withUnsafeBytes(of: BF16.encode(value).littleEndian, Array.init)
    }
  }
}

import Foundation
import QuernContainers
import QuernTensors

/// The files of a folder for vllm-ascend taken apart, to be changed and written again.
struct RuntimeFiles {
  struct Tensor {
    var type: ElementType
    var shape: [Int]
    var bytes: [UInt8]
  }

  var tensors: [String: Tensor] = [:]
  /// Members of the description.
  var description: [String: Any] = [:]
  let folder: URL
  private let shard: String

  init(_ path: String) throws {
    folder = URL(fileURLWithPath: path)
    let names = try FileManager.default.contentsOfDirectory(atPath: path)
    shard = names.first { $0.hasSuffix(".safetensors") } ?? ""
    let file = folder.appending(path: shard)
    let bytes = [UInt8](try Data(contentsOf: file))
    for tensor in try SafetensorsFile(path: file.path).tensors {
      tensors[tensor.name.text] = Tensor(
        type: tensor.elementType, shape: tensor.shape.dimensions,
        bytes: Array(bytes[tensor.range.offset..<tensor.range.end]))
    }
    let text = try Data(contentsOf: folder.appending(path: "quant_model_description.json"))
    description = try JSONSerialization.jsonObject(with: text) as? [String: Any] ?? [:]
  }

  func write() throws {
    let sorted = tensors.sorted {
      ($1.value.type.bitWidth, $0.key) < ($0.value.type.bitWidth, $1.key)
    }
    let header = try SafetensorsHeader(
      tensors: sorted.map { .init(TensorName($0.key), $0.value.type, Shape($0.value.shape)) },
      metadata: [("format", "pt")], file: shard)
    let bytes = header.bytes + sorted.flatMap(\.value.bytes)
    try Data(bytes).write(to: folder.appending(path: shard))
    try JSONSerialization.data(withJSONObject: description).write(
      to: folder.appending(path: "quant_model_description.json"))
  }

  /// Changes every tensor whose name ends so.
  mutating func each(_ ending: String, _ change: (inout Tensor) -> Void) {
    for name in tensors.keys where name.hasSuffix(ending) {
      change(&tensors[name, default: Tensor(type: .f32, shape: [], bytes: [])])
    }
  }

  /// Changes the codes of every weight of four bits.
  mutating func eachFour(_ change: (inout Tensor) -> Void) {
    for name in tensors.keys where name.hasSuffix(".scale_bias") {
      let weight = name.replacing(".scale_bias", with: ".weight")
      change(&tensors[weight, default: Tensor(type: .i8, shape: [], bytes: [])])
    }
  }

  mutating func retype(_ part: String, _ type: String) {
    for name in description.keys where name.contains(part) { description[name] = type }
  }

  func cutShard(by count: Int) throws {
    let file = folder.appending(path: shard)
    let bytes = try Data(contentsOf: file)
    try bytes.dropLast(count).write(to: file)
  }

  /// Writes a JSON file, from its members before.
  func rewrite(_ name: String, _ change: (inout [String: Any]) -> Void) throws {
    let file = folder.appending(path: name)
    var members: [String: Any] = [:]
    if let text = try? Data(contentsOf: file) {
      members = try JSONSerialization.jsonObject(with: text) as? [String: Any] ?? [:]
    }
    change(&members)
    try JSONSerialization.data(withJSONObject: members).write(to: file)
  }
}

extension RuntimeFiles.Tensor {
  /// Numbers of F32.
  var floats: [Float] {
    get {
      bytes.withUnsafeBytes { bytes in
        (0..<bytes.count / 4).map { Float(bitPattern: bytes.littleEndianUInt32(at: 4 * $0)) }
      }
    }
    set {
      bytes = newValue.flatMap { value in
        withUnsafeBytes(of: value.bitPattern.littleEndian) { Array($0) }
      }
    }
  }

  /// Rows change places with columns.
  mutating func transpose() {
    let (rows, columns) = (shape[0], shape[1])
    bytes = (0..<columns).flatMap { column in
      (0..<rows).map { bytes[$0 * columns + column] }
    }
    shape = [columns, rows]
  }
}

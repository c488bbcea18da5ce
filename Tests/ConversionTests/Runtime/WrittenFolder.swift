import Foundation
import QuernContainers
import QuernTensors
import QuernTestSupport
import Testing

/// A written folder, read by plain loops over its files' bytes.
struct WrittenFolder {
  struct Part: Equatable {
    let type: ElementType
    let shape: [Int]
    let bytes: [UInt8]
  }

  /// Every file, those of folders inside too, by its path in the folder.
  let files: [String: Data]
  let parts: [String: Part]
  /// Those of `nz/`.
  let relaid: [String: Part]
  private let keep: TemporaryFolder

  /// Reads `out` of a folder.
  init(_ folder: TemporaryFolder) throws {
    keep = folder
    files = try Self.files(folder.path("out"))
    var (parts, relaid): ([String: Part], [String: Part]) = ([:], [:])
    for name in files.keys where name.hasSuffix(".safetensors") {
      let path = folder.path("out/" + name)
      let input = try InputFile(path: path)
      for tensor in try SafetensorsFile(path: path).tensors {
        let part = Part(
          type: tensor.elementType, shape: tensor.shape.dimensions,
          bytes: try input.bytes(in: tensor.range))
        if name.hasPrefix("nz/") {
          relaid[tensor.name.text] = part
        } else {
          parts[tensor.name.text] = part
        }
      }
    }
    (self.parts, self.relaid) = (parts, relaid)
  }

  static func files(_ path: String) throws -> [String: Data] {
    var files: [String: Data] = [:]
    for name in try FileManager.default.subpathsOfDirectory(atPath: path) {
      var isFolder: ObjCBool = false
      _ = FileManager.default.fileExists(atPath: path + "/" + name, isDirectory: &isFolder)
      if !isFolder.boolValue {
        files[name] = try Data(contentsOf: URL(filePath: path + "/" + name))
      }
    }
    return files
  }

  func json(_ name: String) throws -> JSONObject {
    let data = try #require(files[name], "\(name)")
    return try #require(JSONValue(parsing: [UInt8](data)).object)
  }

  func bytes(_ name: String) throws -> [UInt8] { try #require(parts[name], "\(name)").bytes }

  func words(_ name: String) throws -> [UInt32] {
    let bytes = try bytes(name)
    return stride(from: 0, to: bytes.count, by: 4).map { start in
      (0..<4).reduce(UInt32(0)) { $0 | UInt32(bytes[start + $1]) << (8 * $1) }
    }
  }

  /// F32 or BF16.
  func floats(_ name: String) throws -> [Float] {
    guard try #require(parts[name], "\(name)").type == .bf16 else {
      return try words(name).map(Float.init(bitPattern:))
    }
    let bytes = try bytes(name)
    return stride(from: 0, to: bytes.count, by: 2).map {
      Float(bitPattern: UInt32(bytes[$0]) << 16 | UInt32(bytes[$0 + 1]) << 24)
    }
  }

  /// The codes of a module whose weight is [rows, columns].
  func codes(_ module: String, columns: Int, type: String) throws -> [Int] {
    switch type {
    case "w4a8_dynamic":
      let bytes = try bytes(module + ".weight")
      return (0..<2 * bytes.count).map { index in
        let (row, column) = index.quotientAndRemainder(dividingBy: columns)
        let byte = bytes[row / 2 * columns + column]
        let nibble = Int(row % 2 == 0 ? byte & 15 : byte >> 4)
        return nibble > 7 ? nibble - 16 : nibble
      }
    case let word where word.contains("a16_g"):
      let (words, bits) = (try words(module + ".weight_packed"), word.hasPrefix("w4") ? 4 : 8)
      let perWord = 32 / bits
      return words.flatMap { word in
        (0..<perWord).map { Int(word >> UInt32($0 * bits) & (1 << bits - 1)) - 1 << (bits - 1) }
      }
    default: return try bytes(module + ".weight").map { Int(Int8(bitPattern: $0)) }
    }
  }

  /// Code · scale in float32.
  func values(_ module: String, rows: Int, columns: Int, type: String) throws -> [Float] {
    let codes = try codes(module, columns: columns, type: type)
    let scales = try floats(module + ".weight_scale")
    let group = rows * columns / scales.count
    return codes.indices.map { Float(codes[$0]) * scales[$0 / group] }
  }
}

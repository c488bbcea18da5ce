import Foundation

/// The arrays of a small, trusted safetensors file of `testdata/`; a broken one throws.
package struct SafetensorsFixture {
  private let arrays: [String: Data]

  package enum Problem: Error {
    case malformed(String)
    case noArray(String)
  }

  package init(_ path: String) throws {
    let file = try Data(contentsOf: TestData.url(path))
    guard file.count >= 8 else { throw Problem.malformed(path) }
    let length = file.prefix(8).reversed().reduce(0) { $0 << 8 | Int($1) }
    guard length <= file.count - 8,
      let header = try JSONSerialization.jsonObject(with: file[8..<8 + length]) as? [String: Any]
    else { throw Problem.malformed(path) }
    var arrays: [String: Data] = [:]
    for (name, entry) in header where name != "__metadata__" {
      guard let offsets = (entry as? [String: Any])?["data_offsets"] as? [Int], offsets.count == 2,
        0 <= offsets[0], offsets[0] <= offsets[1], offsets[1] <= file.count - 8 - length
      else { throw Problem.malformed("\(path): \(name)") }
      arrays[name] = file[8 + length + offsets[0]..<8 + length + offsets[1]]
    }
    self.arrays = arrays
  }

  package func bytes(_ name: String) throws -> [UInt8] {
    guard let data = arrays[name] else { throw Problem.noArray(name) }
    return [UInt8](data)
  }

  package func words(_ name: String) throws -> [UInt16] {
    let bytes = try bytes(name)
    return stride(from: 0, to: bytes.count, by: 2).map {
      UInt16(bytes[$0]) | UInt16(bytes[$0 + 1]) << 8
    }
  }

  package func floats(_ name: String) throws -> [Float] {
    let words = try words(name)
    return stride(from: 0, to: words.count, by: 2).map {
      Float(bitPattern: UInt32(words[$0]) | UInt32(words[$0 + 1]) << 16)
    }
  }
}

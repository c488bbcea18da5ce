import Foundation

/// One format of `formats/numbers/spec.json`; codes and float32 bits are hexadecimal.
package struct NumberSpec: Decodable, Sendable {
  package struct Example: Decodable, Sendable {
    package let code: String
    package let bits: String
  }

  package let name: String
  package let bits: Int
  package let decode: [Example]
  package let encode: [Example]?

  private struct File: Decodable { let formats: [NumberSpec] }

  package static func read(_ name: String) throws -> NumberSpec {
    let data = try Data(contentsOf: TestData.format("numbers/spec.json"))
    let formats = try JSONDecoder().decode(File.self, from: data).formats
    guard let format = formats.first(where: { $0.name == name }) else {
      throw SafetensorsFixture.Problem.noArray(name)
    }
    return format
  }
}

import Foundation

/// `formats/blocks/NAME/spec.json`.
package struct BlockSpec: Decodable, Sendable {
  package struct Field: Decodable, Sendable {
    package let name: String
    package let offset: Int
    package let bytes: Int
    package let type: String
  }
  package struct Example: Decodable, Sendable {
    package let note: String
    package let values: [Float]
    package let block: String
  }
  package struct GridExample: Decodable, Sendable {
    package let note: String
    package let packed: String
    package let scale: UInt8
    package let block: String
  }

  package let name: String
  package let word: String
  package let ggmlTypeID: UInt32
  package let elements: Int
  package let bytes: Int
  package let fields: [Field]
  package let decode: [Example]
  package let encode: [Example]
  package let grid: [GridExample]

  package static let words = [
    "q8_0", "q4_0", "q4_1", "q5_0", "q5_1", "iq4_nl", "mxfp4", "nvfp4", "q4_k", "q5_k", "q6_k",
    "iq4_xs",
  ]

  package static func read(_ word: String) throws -> BlockSpec {
    let data = try Data(contentsOf: TestData.format("blocks/\(word)/spec.json"))
    return try JSONDecoder().decode(BlockSpec.self, from: data)
  }
}

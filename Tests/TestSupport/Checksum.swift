import Foundation

/// What `checksums.py` computes: Σ word[i] · (2i + 1) mod 2⁶⁴ over bit patterns in their order.
package struct Checksum {
  private var sum: UInt64 = 0
  private var place: UInt64 = 1

  package init() {}

  package mutating func add(_ word: UInt64) {
    sum &+= word &* place
    place &+= 2
  }

  package var hexadecimal: String { String(format: "%016lx", UInt(sum)) }
}

/// The checksums of a folder's decoded weights, as another program computed them.
package struct ExpectedValues: Decodable {
  package let shape: [Int]
  /// Of the float32 values.
  package let f32: String
  /// Of the values rounded to BF16.
  package let bf16: String?

  package static func read(_ path: String) throws -> [String: ExpectedValues] {
    try JSONDecoder().decode([String: Self].self, from: Data(contentsOf: TestData.url(path)))
  }
}

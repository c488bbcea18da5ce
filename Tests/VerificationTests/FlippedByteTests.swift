import Foundation
import QuernContainers
import QuernVerification
import Testing

/// One bit of one byte, anywhere, and the verdict is no.
@Suite struct FlippedByteTests {
  static let places = 24

  @Test(arguments: [(Model.upstream, "q8_0"), (.stories, "q4_0"), (.storiesBF16, "source")])
  func everyFlippedByteIsSeen(_ model: Model, _ recipe: String) throws {
    let output = try ConvertedOutput(model, recipe)
    let file = try GGUFFile(path: output.path)
    let regions = Self.regions(of: file)
    // Rows of BF16 stories need no padding.
    #expect(regions.count == (model == .storiesBF16 ? 4 : 5))
    for region in regions {
      for number in 0..<min(Self.places, region.offsets.count) {
        let spread = region.offsets.count / min(Self.places, region.offsets.count)
        let offset = region.offsets[region.offsets.startIndex + number * spread]
        let report = try output.withByteFlipped(at: offset, bit: number, of: "out.gguf") {
          try output.verify(against: number % 4 == 0)
        }
        #expect(!report.isPassed, "\(region.name), byte \(offset)")
      }
    }
    #expect(try output.verify().isPassed)
  }

  @Test(arguments: [-1, 1])
  func aFileOfAnotherSizeIsSeen(_ change: Int) throws {
    let output = try ConvertedOutput(.stories, "q8_0")
    let data = try Data(contentsOf: URL(filePath: output.path))
    let changed = change < 0 ? data.dropLast() : data + [0]
    try changed.write(to: URL(filePath: output.path))
    #expect(try !output.verify().isPassed)
  }

  private static func regions(of file: GGUFFile) -> [(name: String, offsets: [Int])] {
    let table = file.tensors.reduce(0) {
      $0 + 24 + $1.name.text.utf8.count + 8 * $1.dimensions.count
    }
    // The table ends up to 31 bytes before the data.
    let tableStart = file.dataOffset - table - 31
    let padding = zip(file.tensors, file.tensors.dropFirst()).flatMap {
      Array($0.range.end..<$1.range.offset)
    }
    let last = file.tensors.last.map { Array($0.range.end..<file.byteCount) } ?? []
    return [
      ("head", Array(0..<24)), ("metadata", Array(24..<tableStart)),
      ("table", Array(tableStart..<file.dataOffset)),
      ("data", file.tensors.flatMap { Array($0.range.offset..<$0.range.end) }),
      ("padding", padding + last),
    ].filter { !$0.1.isEmpty }
  }
}

import QuernContainers
import QuernTensors
import QuernTestSupport
import Testing

/// Executes `formats/calibration/spec.json` against the reader.
struct CalibrationSpecTests {
  private static func spec() throws -> JSONObject {
    let path = TestData.format("calibration/spec.json").path
    return try #require(JSONValue(parsing: InputFile.contents(of: path, limit: 1 << 20)).object)
  }

  private static func bytes(_ example: JSONObject) throws -> [UInt8] {
    try #require(example["bytes"]?.array).flatMap { row in
      (row.object?["hex"]?.string ?? "").split(separator: " ").compactMap { UInt8($0, radix: 16) }
    }
  }

  @Test func namesAndLimitsAreThoseOfTheSpec() throws {
    let spec = try Self.spec()
    #expect(spec["format"]?.string == CalibrationFile.formatName)
    #expect(spec["version"]?.integer == CalibrationFile.formatVersion)
    #expect(spec["limits"]?.object?["width"]?.integer == CalibrationFile.maximumWidth)
  }

  @Test func examplesReadAsTheyAreDescribed() throws {
    let folder = try TemporaryFolder()
    for example in try #require(Self.spec()["examples"]?.array).compactMap(\.object) {
      let file = try CalibrationFile(path: folder.write("a", Self.bytes(example)))
      try file.checkMatrices()
      #expect(file.modelName == example["model"]?.string)
      #expect(file.tokenCount == example["tokens"]?.integer)
      let expected = try #require(example["entries"]?.array).compactMap(\.object)
      #expect(file.entries.count == expected.count)
      for entry in expected {
        let found = try #require(file.entries[TensorName(entry["name"]?.string ?? "")])
        #expect(found.counts == entry["counts"]?.array?.compactMap(\.integer))
        let range = entry["range"]?.array?.compactMap(\.integer).map { Float($0) }
        #expect(found.range.map { [$0.lowerBound, $0.upperBound] } == range)
        for (channels, key) in [(CalibrationFile.Channels.maxima, "maxima"), (.means, "means")] {
          let values = entry[key]?.array?.compactMap(\.array).map { $0.compactMap(\.real) }
          for expert in found.counts.indices {
            let read = try file.read(channels, of: found, expert: expert)
            #expect(read.map { $0.map(Double.init) } == values?[expert])
          }
        }
        for (block, values) in try #require(entry["blocks"]?.array).enumerated() {
          let values = try #require(values.array).compactMap(\.integer).map(Float.init)
          var matrix = [Float](repeating: 0, count: values.count)
          try matrix.withUnsafeMutableBufferPointer {
            try file.read(found, block: block, expert: 0, into: $0)
          }
          #expect(matrix == values)
        }
      }
    }
  }
}

import Foundation
import Quern
import QuernTestSupport
import Testing

/// The examples of `docs/library.md`, compiled and run.
@Suite struct LibraryExampleTests {
  @Test func rowsAreEncodedWithTheImportanceOfTheirColumns() throws {
    var generator = SeededGenerator(seed: 11)
    let rows = (0..<4 * 256).map { _ in Float.random(in: -0.1...0.1, using: &generator) }
    let importance = (0..<256).map { _ in Float.random(in: 0...4, using: &generator) }

    // example
    let format = NumberFormat.q4_k
    let plain = try format.encode(rows)
    let weighted = try format.encode(rows, weights: importance)

    func error(_ blocks: [UInt8]) throws -> Float {
      let values = try format.decode(blocks)
      return rows.indices.reduce(0) { sum, index in
        let difference = rows[index] - values[index]
        return sum + importance[index % importance.count] * difference * difference
      }
    }
    print(format.bitsPerElement, try error(plain), try error(weighted))
    // end

    #expect(plain.count == 4 * 144 && weighted.count == plain.count)
    #expect(try error(weighted) < error(plain))
  }

  @Test func whatIsWrongWithTheArgumentsIsSaidByType() {
    let rows = [Float](repeating: 1, count: 256)
    var message = ""
    func print(_ error: QuantizationError) { message = "\(error)" }

    // example
    do {
      _ = try NumberFormat.q4_k.encode(rows, weights: [1, 2, .nan])
    } catch {
      print(error)
    }
    // end

    #expect(
      message
        == "Q4_K: 3 weights found, expected one for each of the 256 values or for each column of their rows"
    )
  }

  @Test func theGuideShowsTheseExamples() throws {
    let guide = try String(
      contentsOf: TestData.root.appending(path: "docs/library.md"), encoding: .utf8)
    let source = try String(contentsOf: URL(filePath: #filePath), encoding: .utf8)
    // The marks are whole lines; this one is not.
    let examples = source.components(separatedBy: "    // example\n").dropFirst()
      .compactMap { $0.components(separatedBy: "    // end\n").first }
    #expect(examples.count == 2)
    for example in examples { #expect(guide.contains(example)) }
  }
}

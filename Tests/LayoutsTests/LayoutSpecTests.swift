import Foundation
import QuernLayouts
import QuernTestSupport
import Testing

/// The worked examples of `formats/layouts/spec.json`, in both directions.
@Suite struct LayoutSpecTests {
  struct Spec: Decodable {
    struct Example: Decodable {
      let headRows: Int
      let rows: Int
      let sourceRowOfOutputRow: [Int]
    }
    let headPermutation: [Example]
  }

  @Test func headPermutationGivesTheSpecifiedRowsAndFindsThemBack() throws {
    let data = try Data(contentsOf: TestData.format("layouts/spec.json"))
    let spec = try JSONDecoder().decode(Spec.self, from: data)
    #expect(!spec.headPermutation.isEmpty)
    for example in spec.headPermutation {
      let permutation = HeadPermutation(headRows: example.headRows)
      #expect((0..<example.rows).map(permutation.sourceRow) == example.sourceRowOfOutputRow)
      for (output, source) in example.sourceRowOfOutputRow.enumerated() {
        #expect(permutation.outputRow(ofSourceRow: source) == output)
      }
    }
  }
}

import QuernLayouts
import Testing

struct HeadPermutationTests {
  @Test func halvesBecomePairs() {
    let permutation = HeadPermutation(headRows: 8)
    #expect((0..<8).map(permutation.sourceRow) == [0, 4, 1, 5, 2, 6, 3, 7])
    #expect((8..<16).map(permutation.sourceRow) == [8, 12, 9, 13, 10, 14, 11, 15])
  }

  @Test(arguments: [2, 4, 8, 32, 64, 128, 256])
  func bothDirectionsAreInverseBijectionsWithinEachHead(headRows: Int) {
    let permutation = HeadPermutation(headRows: headRows)
    for head in 0..<3 {
      let rows = head * headRows..<(head + 1) * headRows
      #expect(Set(rows.map(permutation.sourceRow)) == Set(rows))
      for row in rows {
        #expect(permutation.outputRow(ofSourceRow: permutation.sourceRow(ofOutputRow: row)) == row)
        #expect(permutation.sourceRow(ofOutputRow: permutation.outputRow(ofSourceRow: row)) == row)
      }
    }
  }

  @Test func aHeadOfTwoRowsStaysAsItIs() {
    let permutation = HeadPermutation(headRows: 2)
    #expect((0..<10).map(permutation.sourceRow) == Array(0..<10))
  }
}

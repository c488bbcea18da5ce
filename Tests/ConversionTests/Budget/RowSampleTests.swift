import Testing

@testable import QuernConversion

struct RowSampleTests {
  @Test(arguments: [(0, 64), (1, 64), (16, 7168), (2048, 64), (5, 1 << 20)])
  func smallTensorsAreReadWhole(rowCount: Int, rowLength: Int) {
    let sample = RowSample(rowCount: rowCount, rowLength: rowLength)
    #expect(sample.rows == Array(0..<rowCount))
    #expect(sample.scale == (rowCount == 0 ? 0 : 1))
  }

  @Test(arguments: [
    (17, 1 << 20), (2049, 64), (129_280, 7168), (256 * 2048, 7168), (1 << 40, 4096),
  ])
  func oneRowOfEachRunOfEqualLengthIsTaken(rowCount: Int, rowLength: Int) {
    let sample = RowSample(rowCount: rowCount, rowLength: rowLength)
    let count = sample.rows.count
    #expect(count == max(16, (1 << 17) / rowLength))
    #expect(sample.scale * Double(count) == Double(rowCount))
    for (run, row) in sample.rows.enumerated() {
      let (whole, rest) = rowCount.quotientAndRemainder(dividingBy: count)
      let first = run * whole + run * rest / count
      let end = (run + 1) * whole + (run + 1) * rest / count
      #expect((first..<end).contains(row))
    }
  }

  /// Rows at equal distances would all be the first of an expert.
  @Test func stackedExpertsAreMetAtDifferentRows() {
    let sample = RowSample(rowCount: 256 * 2048, rowLength: 7168)
    let within = sample.rows.map { $0 % 2048 }
    #expect(Set(within).count == within.count)
    #expect(within.contains { $0 < 512 } && within.contains { $0 >= 1536 })
  }
}

import QuernConversion
import QuernTestSupport
import Testing

struct ChunkGridTests {
  private func grids(seed: UInt64) -> [(grid: ChunkGrid, rowBytes: Int, granule: Int)] {
    var generator = SeededGenerator(seed: seed)
    return (0..<300).map { _ in
      let rowBytes = Int.random(
        in: 1...(1 << Int.random(in: 1...22, using: &generator)), using: &generator)
      let granule = [1, 1, 2, 8, 64, 128, 100].randomElement(using: &generator) ?? 1
      let grid = ChunkGrid(
        parts: Int.random(in: 1...9, using: &generator),
        rowsPerPart: Int.random(in: 1...5000, using: &generator), sourceRowByteCount: rowBytes,
        granule: granule)
      return (grid, rowBytes, granule)
    }
  }

  @Test func everyRowIsInOneChunkInOrder() {
    for (grid, _, _) in grids(seed: 1) {
      var next = (part: 0, row: 0)
      for chunk in 0..<grid.chunkCount {
        let (part, rows) = grid.rows(ofChunk: chunk)
        if next.row == grid.rowsPerPart { next = (next.part + 1, 0) }
        #expect(part == next.part && rows.lowerBound == next.row && !rows.isEmpty)
        next.row = rows.upperBound
      }
      #expect(next.part == grid.parts - 1 && next.row == grid.rowsPerPart)
    }
  }

  @Test func chunksAreWholeGranulesOfAboutAMebibyte() {
    for (grid, rowBytes, granule) in grids(seed: 2) {
      for chunk in 0..<grid.chunkCount {
        let rows = grid.rows(ofChunk: chunk).rows
        #expect(rows.lowerBound % granule == 0)
        #expect(rows.upperBound % granule == 0 || rows.upperBound == grid.rowsPerPart)
        #expect(rows.count * rowBytes <= max(1 << 20, granule * rowBytes))
      }
    }
  }

  @Test func theGridIsThatOfTheDesign() {
    let wide = ChunkGrid(parts: 1, rowsPerPart: 4096, sourceRowByteCount: 8192, granule: 1)
    #expect(wide.chunkRows == 128 && wide.chunkCount == 32)
    let experts = ChunkGrid(parts: 256, rowsPerPart: 2048, sourceRowByteCount: 2048, granule: 1)
    #expect(experts.chunkRows == 512 && experts.chunkCount == 1024)
    let vector = ChunkGrid(parts: 1, rowsPerPart: 1, sourceRowByteCount: 1 << 24, granule: 1)
    #expect(vector.chunkRows == 1 && vector.chunkCount == 1)
    let none = ChunkGrid(parts: 1, rowsPerPart: 0, sourceRowByteCount: 4, granule: 1)
    #expect(none.chunkCount == 0)
  }

  @Test func rowsOfOneScaleStayTogetherWhileTheyAreFew() {
    #expect(ChunkGrid.granule(rowsPerScale: 128, sourceRowByteCount: 4096) == 128)
    #expect(ChunkGrid.granule(rowsPerScale: 128, sourceRowByteCount: 131_072) == 128)
    #expect(ChunkGrid.granule(rowsPerScale: 128, sourceRowByteCount: 131_073) == 1)
    #expect(ChunkGrid.granule(rowsPerScale: 1 << 20, sourceRowByteCount: 4096) == 1)
    #expect(ChunkGrid.granule(rowsPerScale: 1, sourceRowByteCount: .max) == 1)
    #expect(ChunkGrid.granule(rowsPerScale: 0, sourceRowByteCount: 0) == 1)
  }
}

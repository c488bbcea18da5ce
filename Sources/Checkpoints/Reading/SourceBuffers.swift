import QuernTensors

/// The memory that chunks of source rows are read to, allocated once and used for one after the other.
package final class SourceBuffers {
  package let codes: UnsafeMutableRawBufferPointer
  package let scales: UnsafeMutableRawBufferPointer
  /// The scales of one row as float32; of a tile of rows where codes are integers.
  package let rowScales: UnsafeMutableBufferPointer<Float>
  /// Integer codes of a tile whose rows share bytes, unpacked.
  package let integerCodes: UnsafeMutableBufferPointer<Int8>

  /// A row of a source of which columns are wanted.
  package let sourceRow: UnsafeMutableBufferPointer<Float>

  /// What the largest of some chunks needs.
  package struct Sizes: Sendable {
    package private(set) var codes = 0
    package private(set) var scales = 0
    package private(set) var rowScales = 0
    package private(set) var integerCodes = 0
    package private(set) var sourceRow = 0

    package init() {}

    /// Makes room for all chunks of as many rows as this one, which are decoded in tiles of rows.
    package mutating func add(_ chunk: SourceChunk, tileRows: Int) {
      // A later chunk may begin and end amid rows that share bytes, and reach over more of them.
      let shared = chunk.segments.reduce(0) { sum, segment in
        let granule = segment.tensor.encoding.rowGranule
        return sum + (granule > 1 ? segment.tensor.codeByteCount(rows: granule) : 0)
      }
      codes = max(codes, chunk.codesByteCount + shared)
      // It may also begin inside a row of scales and touch one more.
      let spare = chunk.segments.reduce(0) { $0 + $1.tensor.scaleRowByteCount }
      scales = max(scales, chunk.scalesByteCount + spare)
      for segment in chunk.segments {
        add(segment.tensor, tileRows: tileRows)
        if chunk.firstColumn != nil { sourceRow = max(sourceRow, segment.tensor.shape.rowLength) }
      }
    }

    private mutating func add(_ source: SourceTensor, tileRows: Int) {
      var scaleRows = 1
      if case .integers(let storage, _) = source.encoding {
        scaleRows = tileRows
        if storage.packing != .bytes {
          // A tile may begin and end amid rows that share bytes.
          let rows = tileRows + 2 * (storage.rowGranule - 1)
          integerCodes = max(integerCodes, rows * source.shape.rowLength)
        }
      }
      rowScales = max(rowScales, scaleRows * (source.scale?.shape.rowLength ?? 0))
    }

    package var byteCount: Int { codes + scales + 4 * (rowScales + sourceRow) + integerCodes }
  }

  package init(_ sizes: Sizes) {
    func raw(_ byteCount: Int) -> UnsafeMutableRawBufferPointer {
      let buffer = UnsafeMutableRawBufferPointer.allocate(
        byteCount: max(64, byteCount), alignment: 64)
      buffer.initializeMemory(as: UInt8.self, repeating: 0)
      return buffer
    }
    codes = raw(sizes.codes)
    scales = raw(sizes.scales)
    rowScales = .allocate(capacity: max(64, sizes.rowScales))
    rowScales.initialize(repeating: 0)
    integerCodes = .allocate(capacity: max(64, sizes.integerCodes))
    integerCodes.initialize(repeating: 0)
    sourceRow = .allocate(capacity: max(64, sizes.sourceRow))
    sourceRow.initialize(repeating: 0)
  }

  deinit {
    codes.deallocate()
    scales.deallocate()
    rowScales.deallocate()
    integerCodes.deallocate()
    sourceRow.deallocate()
  }
}

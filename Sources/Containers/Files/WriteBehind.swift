import QuernTensors

/// Decides which bytes of a file being written should go to the disk now, and which must have
/// arrived before more is written, so that dirty pages stay bounded.
///
/// Batches are the smallest runs that cover about `batchByteCount` of writes. Chunks are written
/// nearly in order, so the runs hardly overlap, and where they do it costs nothing.
struct WriteBehind {
  /// Bytes written before their writeback is started.
  static let batchByteCount = 32 << 20
  /// Bytes under way, at most, before the oldest batch is waited for.
  static let windowByteCount = 64 << 20

  struct Work {
    var start: ByteRange?
    var finish: ByteRange?
  }

  private var current: ByteRange?
  private var currentByteCount = 0
  private var underWay: [(run: ByteRange, byteCount: Int)] = []

  /// Notes a write, and returns what its writer has to do about writeback.
  mutating func note(_ written: ByteRange) -> Work {
    current = current.map { $0.covering(written) } ?? written
    currentByteCount += written.byteCount
    guard currentByteCount >= Self.batchByteCount, let batch = current else { return Work() }
    underWay.append((batch, currentByteCount))
    current = nil
    currentByteCount = 0
    var work = Work(start: batch)
    if underWay.reduce(0, { $0 + $1.byteCount }) > Self.windowByteCount {
      work.finish = underWay.removeFirst().run
    }
    return work
  }
}

extension ByteRange {
  /// The smallest run that holds both.
  fileprivate func covering(_ other: ByteRange) -> ByteRange {
    let start = min(offset, other.offset)
    return ByteRange(offset: start, byteCount: max(end, other.end) - start)
  }
}

import QuernTensors

/// Decides which bytes of a file being written should go to the disk now, and which must have
/// arrived before more is written, so that dirty pages stay bounded.
///
/// A batch is about `batchByteCount` of writes, as the smallest runs that cover those near each other:
/// chunks are written nearly in order, in a few places of the file at once. Runs hardly overlap, and
/// where they do it costs nothing; one run over all places would be waited for too long.
struct WriteBehind {
  /// Bytes written before their writeback is started.
  static let batchByteCount = 32 << 20
  /// Bytes under way, at most, before the oldest batch is waited for.
  static let windowByteCount = 64 << 20

  struct Work {
    var start: [ByteRange] = []
    var finish: [ByteRange] = []
  }

  private var current: [ByteRange] = []
  private var currentByteCount = 0
  private var underWay: [(runs: [ByteRange], byteCount: Int)] = []

  /// Notes a write, and returns what its writer has to do about writeback.
  mutating func note(_ written: ByteRange) -> Work {
    if let run = current.firstIndex(where: { $0.isNear(written) }) {
      current[run] = current[run].covering(written)
    } else {
      current.append(written)
    }
    currentByteCount += written.byteCount
    guard currentByteCount >= Self.batchByteCount else { return Work() }
    underWay.append((current, currentByteCount))
    var work = Work(start: current)
    current = []
    currentByteCount = 0
    if underWay.reduce(0, { $0 + $1.byteCount }) > Self.windowByteCount {
      work.finish = underWay.removeFirst().runs
    }
    return work
  }
}

extension ByteRange {
  /// Whether what lies between is less than a batch.
  fileprivate func isNear(_ other: ByteRange) -> Bool {
    max(offset, other.offset) - min(end, other.end) < WriteBehind.batchByteCount
  }

  /// The smallest run that holds both.
  fileprivate func covering(_ other: ByteRange) -> ByteRange {
    let start = min(offset, other.offset)
    return ByteRange(offset: start, byteCount: max(end, other.end) - start)
  }
}

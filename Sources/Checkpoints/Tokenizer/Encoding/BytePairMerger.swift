/// Merges the symbols of one piece: the pair of lowest rank first, among equals the leftmost, until no
/// pair is left. Takes n log n steps for n symbols; its buffers serve one piece after the other.
struct BytePairMerger {
  private static let removed = Int32(-2)
  private static let none = Int32(-1)

  private var symbols: [UInt32] = []
  private var next: [Int32] = []
  private var previous: [Int32] = []
  /// A binary heap of rank and place of the left symbol, in one number. An entry whose pair is no
  /// longer there stays in it and is passed over.
  private var heap: [UInt64] = []

  mutating func removeAll() { symbols.removeAll(keepingCapacity: true) }

  mutating func append(_ symbol: UInt32) { symbols.append(symbol) }

  /// Merges what was appended and appends what is left of it to `ids`.
  mutating func merge(by merges: PairTable, into ids: inout [UInt32]) {
    guard symbols.count > 1 else { return ids.append(contentsOf: symbols) }
    link()
    heap.removeAll(keepingCapacity: true)
    for place in 0..<Int32(symbols.count - 1) { offer(place, merges) }
    while let entry = pop() {
      let place = Int32(truncatingIfNeeded: entry & 0xffff_ffff)
      guard next[Int(place)] >= 0, let merge = value(place, merges), merge >> 32 == entry >> 32
      else { continue }
      join(place, UInt32(truncatingIfNeeded: merge))
      offer(place, merges)
      if previous[Int(place)] >= 0 { offer(previous[Int(place)], merges) }
    }
    var place: Int32 = 0
    while place >= 0 {
      ids.append(symbols[Int(place)])
      place = next[Int(place)]
    }
  }

  private mutating func link() {
    let count = Int32(symbols.count)
    next.removeAll(keepingCapacity: true)
    previous.removeAll(keepingCapacity: true)
    for place in 0..<count {
      next.append(place + 1 < count ? place + 1 : Self.none)
      previous.append(place - 1)
    }
  }

  /// Replaces a symbol and its right neighbour by one.
  private mutating func join(_ place: Int32, _ product: UInt32) {
    let right = next[Int(place)]
    symbols[Int(place)] = product
    next[Int(place)] = next[Int(right)]
    next[Int(right)] = Self.removed
    if next[Int(place)] >= 0 { previous[Int(next[Int(place)])] = place }
  }

  private func value(_ place: Int32, _ merges: PairTable) -> UInt64? {
    merges[symbols[Int(place)], symbols[Int(next[Int(place)])]]
  }

  // MARK: Heap

  private mutating func offer(_ place: Int32, _ merges: PairTable) {
    guard next[Int(place)] >= 0, let merge = value(place, merges) else { return }
    heap.append(merge & ~0xffff_ffff | UInt64(place))
    var child = heap.count - 1
    while child > 0, heap[(child - 1) / 2] > heap[child] {
      heap.swapAt(child, (child - 1) / 2)
      child = (child - 1) / 2
    }
  }

  private mutating func pop() -> UInt64? {
    guard let last = heap.popLast() else { return nil }
    guard let first = heap.first else { return last }
    heap[0] = last
    var parent = 0
    while true {
      var child = 2 * parent + 1
      if child >= heap.count { break }
      if child + 1 < heap.count, heap[child + 1] < heap[child] { child += 1 }
      if heap[parent] <= heap[child] { break }
      heap.swapAt(parent, child)
      parent = child
    }
    return first
  }
}

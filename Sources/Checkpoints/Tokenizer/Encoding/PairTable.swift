/// A value for each pair of 32-bit numbers: open addressing, two words a slot.
///
/// Merges are looked up some ten times for each word of a text, which the standard library's
/// dictionary with its keyed hash would make the slowest part. The multiplier is random for each
/// process, so that no file can make its pairs collide.
struct PairTable: Sendable {
  private static let multiplier = UInt64.random(in: 0...UInt64.max) | 1
  /// No pair of a vocabulary is this one.
  private static let free = UInt64.max

  /// Pair and value, in turn; the number of slots is a power of two, at most half of them used.
  private var slots: [UInt64] = []
  private var shift = 0
  private(set) var count = 0

  init(capacity: Int) { resize(for: max(8, capacity)) }

  /// The value of a pair.
  subscript(first: UInt32, second: UInt32) -> UInt64? {
    let key = UInt64(first) << 32 | UInt64(second)
    let slot = slot(of: key)
    return slots[slot] == key ? slots[slot + 1] : nil
  }

  /// Sets or replaces the value of a pair.
  mutating func set(_ first: UInt32, _ second: UInt32, _ value: UInt64) {
    if 4 * (count + 1) > slots.count { resize(for: 2 * count) }
    let key = UInt64(first) << 32 | UInt64(second)
    let slot = slot(of: key)
    if slots[slot] == Self.free { count += 1 }
    slots[slot] = key
    slots[slot + 1] = value
  }

  private func slot(of key: UInt64) -> Int {
    let mixed = (key ^ key >> 29) &* Self.multiplier
    let hash = (mixed ^ mixed >> 32) &* Self.multiplier
    var slot = 2 * Int(hash >> shift)
    while slots[slot] != key, slots[slot] != Self.free {
      slot = slot + 2 == slots.count ? 0 : slot + 2
    }
    return slot
  }

  private mutating func resize(for capacity: Int) {
    var bits = 4
    while 1 << bits < 2 * capacity { bits += 1 }
    let old = slots
    slots = [UInt64](repeating: Self.free, count: 2 << bits)
    shift = 64 - bits
    for index in stride(from: 0, to: old.count, by: 2) where old[index] != Self.free {
      let slot = slot(of: old[index])
      (slots[slot], slots[slot + 1]) = (old[index], old[index + 1])
    }
  }
}

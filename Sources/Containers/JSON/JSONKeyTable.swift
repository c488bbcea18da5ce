/// Finds a key among many of one JSON object by its bytes.
///
/// Holds each key's hash, so that growing never visits the keys again: a header of a hundred
/// thousand tensors is read in half the time that a set of strings takes. The hashes are seeded
/// per process, so that no file can make them collide.
struct JSONKeyTable {
  private var hashes: [Int] = []
  /// Positions in `hashes` plus one; 0 is empty. The size is a power of two, at most half full.
  private var slots: [Int32] = []

  /// Adds a key, unless an equal one is there: then false.
  ///
  /// - Parameter keys: the object's keys so far, in the order they were added.
  mutating func insert(_ key: String, after keys: ArraySlice<String>) -> Bool {
    let hash = Self.hash(key)
    if 2 * (hashes.count + 1) > slots.count { grow() }
    var slot = hash & (slots.count - 1)
    while slots[slot] != 0 {
      let position = Int(slots[slot]) - 1
      if hashes[position] == hash, key.hasSameBytes(as: keys[keys.startIndex + position]) {
        return false
      }
      slot = (slot + 1) & (slots.count - 1)
    }
    hashes.append(hash)
    slots[slot] = Int32(hashes.count)
    return true
  }

  private mutating func grow() {
    slots = [Int32](repeating: 0, count: max(32, slots.count * 4))
    for (position, hash) in hashes.enumerated() {
      var slot = hash & (slots.count - 1)
      while slots[slot] != 0 { slot = (slot + 1) & (slots.count - 1) }
      slots[slot] = Int32(position + 1)
    }
  }

  private static func hash(_ key: String) -> Int {
    var hasher = Hasher()
    var key = key
    key.withUTF8 { hasher.combine(bytes: UnsafeRawBufferPointer($0)) }
    return hasher.finalize()
  }
}

extension String {
  /// Equality by bytes: Swift's own takes two spellings of `é` for one string.
  func hasSameBytes(as other: String) -> Bool {
    // The first comparison is the fast one, and strings it tells apart differ in their bytes.
    self == other && utf8.count == other.utf8.count && utf8.elementsEqual(other.utf8)
  }
}

import QuernContainers

/// Finds a string in a list by its bytes, without owning a copy of it: four bytes per slot.
struct TokenIndex {
  /// Positions in the list, −1 where free; open addressing, at most half full.
  private var slots: [Int32]

  /// - Parameter capacity: how many strings will be inserted at most.
  init(capacity: Int) {
    var size = 16
    while size < 2 * capacity { size *= 2 }
    slots = Array(repeating: -1, count: size)
  }

  /// Inserts the string at `position`; returns the position of an equal one if there is one.
  mutating func insert(_ position: Int, of strings: GGUFStrings) -> Int? {
    let slot = slot(of: strings.utf8(at: position), in: strings)
    guard slots[slot] < 0 else { return Int(slots[slot]) }
    slots[slot] = Int32(position)
    return nil
  }

  /// The position of a string equal to `utf8`.
  func position(of utf8: ArraySlice<UInt8>, in strings: GGUFStrings) -> Int? {
    let found = slots[slot(of: utf8, in: strings)]
    return found < 0 ? nil : Int(found)
  }

  private func slot(of utf8: ArraySlice<UInt8>, in strings: GGUFStrings) -> Int {
    // The seeded hash of the standard library: a file cannot aim at one slot.
    var hasher = Hasher()
    utf8.withUnsafeBytes { hasher.combine(bytes: $0) }
    var slot = hasher.finalize() & (slots.count - 1)
    while slots[slot] >= 0, strings.utf8(at: Int(slots[slot])) != utf8 {
      slot = (slot + 1) & (slots.count - 1)
    }
    return slot
  }
}

/// Things of one kind, of which a message names the first and counts the rest: a broken file may
/// hold a hundred thousand.
struct Tally {
  private var first: String?
  private var count = 0

  mutating func add(_ what: @autoclosure () -> String) {
    if first == nil { first = what() }
    count += 1
  }

  /// The message, nil if nothing was added.
  var summary: String? {
    guard let first else { return nil }
    return count == 1 ? first : "\(first) and \(count - 1) more"
  }
}

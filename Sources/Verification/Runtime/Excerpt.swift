import QuernContainers

/// What stands around a place where bytes of text differ.
enum Excerpt {
  static func text(_ bytes: [UInt8], at place: Int) -> String {
    let end = min(bytes.count, place + 8)
    let run = bytes[min(max(0, place - 24), end)..<end]
    return "…" + String(decoding: run, as: UTF8.self).escapedForDisplay + "…"
  }
}

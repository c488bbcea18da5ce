import ArgumentParser

/// A size in bytes on the command line: `50GB`, `1.5G`, `2GiB`, `5000000`.
struct ByteSize: ExpressibleByArgument, Equatable {
  let byteCount: Int

  /// Decimal units as disks and Hugging Face count them, and the binary ones by their own names.
  private static let units: [(suffix: String, byteCount: Int)] = [
    ("kib", 1 << 10), ("mib", 1 << 20), ("gib", 1 << 30), ("tib", 1 << 40),
    ("kb", 1000), ("mb", 1_000_000), ("gb", 1_000_000_000), ("tb", 1_000_000_000_000),
    ("k", 1000), ("m", 1_000_000), ("g", 1_000_000_000), ("t", 1_000_000_000_000), ("b", 1),
  ]

  init(byteCount: Int) { self.byteCount = byteCount }

  init?(argument: String) {
    let text = argument.lowercased()
    let unit = Self.units.first { text.hasSuffix($0.suffix) } ?? ("", 1)
    let number = text.dropLast(unit.suffix.count)
    let halves = number.split(separator: ".", maxSplits: 1, omittingEmptySubsequences: false)
    guard let whole = halves.first.flatMap(Self.digits) else { return nil }
    let (product, overflow) = whole.multipliedReportingOverflow(by: unit.byteCount)
    guard !overflow else { return nil }
    var byteCount = product
    if halves.count == 2 {
      guard halves[1].count <= 6, let part = Self.digits(halves[1]) else { return nil }
      var scale = 1
      for _ in halves[1] { scale *= 10 }
      // At most 10^6 times 10^12: no overflow.
      let (sum, overflow) = byteCount.addingReportingOverflow(part * unit.byteCount / scale)
      guard !overflow else { return nil }
      byteCount = sum
    }
    guard byteCount > 0 else { return nil }
    self.byteCount = byteCount
  }

  private static func digits(_ text: Substring) -> Int? {
    text.utf8.allSatisfy { (0x30...0x39).contains($0) } ? Int(text) : nil
  }
}

extension ByteSize: CustomStringConvertible {
  var description: String { byteCount.bytesText }
}

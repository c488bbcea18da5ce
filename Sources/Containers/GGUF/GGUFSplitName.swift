/// The file name of one part of a split GGUF: `PREFIX-00001-of-00003.gguf`.
package struct GGUFSplitName: Equatable, Sendable, CustomStringConvertible {
  package let prefix: String
  /// From 1; the key `split.no` in the file counts from 0.
  package let number: Int
  package let count: Int

  /// - Precondition: `number` is 1 to `count`.
  package init(prefix: String, number: Int, count: Int) {
    precondition(number >= 1 && number <= count)
    self.prefix = prefix
    self.number = number
    self.count = count
  }

  /// Takes a file name apart; nil when it is not that of a part.
  package init?(parsing fileName: String) {
    guard fileName.hasSuffix(".gguf") else { return nil }
    let pieces = fileName.dropLast(5).split(separator: "-", omittingEmptySubsequences: false)
    guard pieces.count >= 4, pieces[pieces.count - 2] == "of",
      let number = Self.number(pieces[pieces.count - 3]),
      let count = Self.number(pieces.last ?? ""),
      number >= 1, number <= count
    else { return nil }
    prefix = pieces.dropLast(3).joined(separator: "-")
    self.number = number
    self.count = count
    guard description == fileName, !prefix.isEmpty else { return nil }
  }

  package var description: String {
    "\(prefix)-\(Self.fiveDigits(number))-of-\(Self.fiveDigits(count)).gguf"
  }

  private static func number(_ digits: Substring) -> Int? {
    guard digits.utf8.allSatisfy({ (0x30...0x39).contains($0) }) else { return nil }
    return Int(digits)
  }

  private static func fiveDigits(_ number: Int) -> String {
    let digits = String(number)
    return String(repeating: "0", count: max(0, 5 - digits.count)) + digits
  }
}

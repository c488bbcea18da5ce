import ArgumentParser

/// How many workers convert or check at once.
struct ThreadCount: ExpressibleByArgument {
  /// More threads than any machine has CPUs would only take memory.
  private static let range = 1...1024

  let count: Int

  init?(argument: String) {
    guard let count = Int(argument), Self.range.contains(count) else { return nil }
    self.count = count
  }

  /// One for each CPU that the process may use.
  static var allProcessors: ThreadCount { ThreadCount(count: Environment.processorCount) }

  private init(count: Int) {
    self.count = min(max(count, Self.range.lowerBound), Self.range.upperBound)
  }
}

extension ThreadCount: CustomStringConvertible {
  var description: String { "\(count)" }
}

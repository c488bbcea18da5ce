import QuernContainers

/// Sequences of tokens that go through a model together, one behind the other: row r of every
/// activation belongs to `tokens[r]`. Tokens see earlier tokens of their own sequence only.
package struct TokenBatch: Equatable, Sendable {
  package let tokens: [UInt32]
  /// The rows of each sequence.
  package let sequences: [Range<Int>]

  package var rowCount: Int { tokens.count }
  package var longest: Int { sequences.map(\.count).max() ?? 0 }

  package init(_ sequences: [[UInt32]]) {
    tokens = sequences.flatMap { $0 }
    var first = 0
    self.sequences = sequences.map { sequence in
      defer { first += sequence.count }
      return first..<first + sequence.count
    }
  }

  /// The sequences of both, `other`'s behind.
  package func joined(with other: TokenBatch) -> TokenBatch {
    TokenBatch((self.split + other.split))
  }

  private var split: [[UInt32]] { sequences.map { Array(tokens[$0]) } }

  /// - Parameter source: what to blame: the file the tokens came from.
  /// - Throws: `InputProblem` for no tokens at all, an id that the vocabulary lacks and a sequence
  ///   longer than the model's context.
  package func check(vocabulary: Int, context: Int, source: String) throws(InputProblem) {
    guard !tokens.isEmpty, !sequences.contains(where: \.isEmpty) else {
      throw InputProblem(
        file: source, field: "tokens", found: "an empty sequence", expected: "a token or more")
    }
    if let row = tokens.firstIndex(where: { $0 >= vocabulary }) {
      throw InputProblem(
        file: source, field: "token \(row)", found: "\(tokens[row])",
        expected: "an id below \(vocabulary), the model's vocabulary")
    }
    guard longest <= context else {
      throw InputProblem(
        file: source, field: "tokens", found: "a sequence of \(longest)",
        expected: "at most \(context), the model's context")
    }
  }
}

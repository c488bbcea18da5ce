/// The order of rows inside each attention head that Llama's GGUF files have.
///
/// Hugging Face stores a head's rows as two halves (rotate-half), GGUF as adjacent pairs: output row
/// `2c + a` of a head is source row `a·half + c`, for a in 0…1 and c in 0..<half.
package struct HeadPermutation: Hashable, Sendable {
  /// Rows of one head; even.
  package let headRows: Int

  package init(headRows: Int) { self.headRows = headRows }

  /// The source row that stands at an output row.
  package func sourceRow(ofOutputRow row: Int) -> Int {
    let (head, within) = row.quotientAndRemainder(dividingBy: headRows)
    return head * headRows + (within % 2) * (headRows / 2) + within / 2
  }

  /// The output row at which a source row stands: the inverse, computed from its own formula.
  package func outputRow(ofSourceRow row: Int) -> Int {
    let (head, within) = row.quotientAndRemainder(dividingBy: headRows)
    let (half, pair) = within.quotientAndRemainder(dividingBy: headRows / 2)
    return head * headRows + 2 * pair + half
  }
}

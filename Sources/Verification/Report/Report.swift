import QuernContainers

/// A page about one output or several side by side: what they weigh, what they kept, where they err.
///
/// The page is one file that needs no other, and depends on the inputs and their order alone.
public struct Report: Sendable {
  /// More outputs than this cannot be told apart in a chart.
  public static let inputLimit = 24

  /// The page in HTML, UTF-8.
  public let html: String
  /// Outputs that the page shows.
  public let outputNames: [String]

  /// - Parameter paths: certificates and parity files, or GGUF files and folders with certificates.
  /// - Throws: `ReportError` naming the file and the field that cannot be used.
  public init(of paths: [String]) throws(ReportError) {
    var inputs: [ReportInput] = []
    for path in paths { inputs.append(try ReportInput(path: path)) }
    let entries = ReportEntry.entries(inputs)
    outputNames = entries.map(\.name)
    html = ReportPage(entries).html
  }
}

/// One output: its certificate, the parity runs of it, or both.
struct ReportEntry {
  let name: String
  /// Its place among the outputs, from 0: colour, mark and letter follow from it.
  let index: Int
  var certificate: CertificateSummary?
  /// Where the certificate is, as it was named.
  var certificatePath: String?
  var parities: [ParityFile] = []

  /// A, B, … Z, A2, …
  var letter: String {
    let letters = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZ")
    let round = index / letters.count
    return "\(letters[index % letters.count])" + (round > 0 ? "\(round + 1)" : "")
  }

  static let colourCount = 8
  var colour: Int { index % Self.colourCount }

  /// Puts the certificate and the parity runs of an output together, in the order of the files.
  static func entries(_ inputs: [ReportInput]) -> [ReportEntry] {
    var entries: [ReportEntry] = []
    for case .certificate(let summary, let path) in inputs {
      var entry = ReportEntry(name: summary.name, index: entries.count)
      (entry.certificate, entry.certificatePath) = (summary, path)
      entries.append(entry)
    }
    for case .parity(let parity) in inputs {
      let name = OutputName.base(parity.output.name)
      if let position = position(of: parity, name: name, in: entries) {
        entries[position].parities.append(parity)
      } else {
        var entry = ReportEntry(name: name, index: entries.count)
        entry.parities = [parity]
        entries.append(entry)
      }
    }
    return entries
  }

  /// The output that a parity run is about. Of several of one name it is the one in the same folder.
  private static func position(of parity: ParityFile, name: String, in entries: [ReportEntry])
    -> Int?
  {
    let named = entries.indices.filter { entries[$0].name == name }
    if named.count < 2 { return named.first }
    return named.first { position in
      guard let path = entries[position].certificatePath else {
        return entries[position].parities.contains { $0.output.path == parity.output.path }
      }
      return folder(of: path) == folder(of: parity.output.path)
        || folder(of: path) == parity.output.path
    }
  }

  private static func folder(of path: String) -> Substring {
    path.lastIndex(of: "/").map { path[..<$0] } ?? ""
  }
}

/// A parity run of an output, as charts show it.
struct ParitySeries {
  let entry: ReportEntry
  let parity: ParityFile
  /// Which of the output's runs, from 0: lines of later ones are broken.
  let run: Int

  /// What tells the run from others of its output.
  var detail: String { parity.mode.words }

  static func all(_ entries: [ReportEntry]) -> [ParitySeries] {
    entries.flatMap { entry in
      entry.parities.enumerated().map { ParitySeries(entry: entry, parity: $1, run: $0) }
    }
  }
}

extension ParityFile.Mode {
  var words: String {
    switch self {
    case .decoded: "decoded weights"
    case .integer: "integer kernels"
    }
  }
}

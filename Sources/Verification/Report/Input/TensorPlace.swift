import QuernCheckpoints

/// Where in a model a tensor is, by its name.
enum TensorPlace: Hashable {
  case layer(Int)
  /// A layer of the draft model, counted from 0 where names do so.
  case draft(Int)
  case outside

  /// Layers of a higher number count as outside: charts have a column for each layer.
  static let layerLimit = 512

  private static let layerWords: Set<Substring> = ["blk", "layers", "h"]

  /// `blk.3.attn_q.weight`, `model.layers.3.mlp.down_proj.weight` and `mtp.0.attn.wq_a.weight`.
  init(ofTensor name: String) {
    let parts = name.split(separator: ".", maxSplits: 5, omittingEmptySubsequences: false)
    for (word, number) in zip(parts, parts.dropFirst()) {
      guard number.utf8.allSatisfy({ (0x30...0x39).contains($0) }), let layer = Int(number),
        layer < Self.layerLimit
      else { continue }
      if Self.layerWords.contains(word) { self = .layer(layer); return }
      if word == "mtp" { self = .draft(layer); return }
    }
    self = .outside
  }
}

extension TensorRole {
  /// What a role is called where the certificate has one that is not known here.
  static let otherRoles = "other"

  /// The name of a role for tables, of which there are only so many.
  static func known(_ name: String) -> String {
    TensorRole(rawValue: name)?.rawValue ?? otherRoles
  }

  /// All names in the order of tables.
  static let tableOrder = allCases.map(\.rawValue) + [otherRoles]
}

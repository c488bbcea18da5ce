import ArgumentParser

/// Layers from one number to another, both counted: `3..5`, or `4` alone.
struct LayerRange: ExpressibleByArgument {
  let layers: Range<Int>

  init?(argument: String) {
    let ends = argument.split(separator: ".", omittingEmptySubsequences: true)
    guard let first = ends.first.flatMap({ Int($0) }), let last = ends.last.flatMap({ Int($0) }),
      argument == "\(first)..\(last)" || argument == "\(first)", 0 <= first, first <= last,
      last < 1 << 20
    else { return nil }
    layers = first..<last + 1
  }
}

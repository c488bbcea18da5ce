import QuernContainers

/// How files and folders are called in a report.
enum OutputName {
  static func lastComponent(_ path: String) -> String {
    path.split(separator: "/").last.map(String.init) ?? path
  }

  /// A GGUF file's name without its ending and its number among the parts of a split one.
  static func base(_ path: String) -> String {
    let name = lastComponent(path)
    if let split = GGUFSplitName(parsing: name) { return split.prefix }
    let ending = ".gguf"
    return name.hasSuffix(ending) && name != ending ? String(name.dropLast(ending.count)) : name
  }
}

import ArgumentParser

/// The path of a GGUF file to make.
struct OutputPath: ExpressibleByArgument {
  static let suffix = ".gguf"

  let path: String

  init?(argument: String) {
    guard argument.hasSuffix(Self.suffix), argument.utf8.count > Self.suffix.utf8.count,
      !argument.hasSuffix("/" + Self.suffix)
    else { return nil }
    path = argument
  }

  /// The file's name without `.gguf`: the names of further parts begin with it.
  var name: String {
    String((path.split(separator: "/").last ?? "").dropLast(Self.suffix.count))
  }
}

import ArgumentParser

/// The path of a GGUF file to make.
struct OutputPath {
  static let suffix = ".gguf"

  let path: String

  init(argument: String) throws(ValidationError) {
    guard argument.hasSuffix(Self.suffix), argument != Self.suffix,
      !argument.hasSuffix("/" + Self.suffix)
    else { throw ValidationError("the name of a GGUF file ends in \(Self.suffix)") }
    path = argument
  }

  /// The file's name without `.gguf`: the names of further parts begin with it.
  var name: String {
    String((path.split(separator: "/").last ?? "").dropLast(Self.suffix.count))
  }
}

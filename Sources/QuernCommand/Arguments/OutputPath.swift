import ArgumentParser
import Quern

/// What to make: a GGUF file, or a folder.
struct OutputPath {
  static let suffix = ".gguf"

  let path: String

  init(argument: String) throws(ValidationError) {
    guard !argument.isEmpty else { throw ValidationError("an output needs a name") }
    path = argument
  }

  /// Refuses a name that the target cannot have.
  func check(for target: ConversionTarget) throws(ValidationError) {
    guard target == .gguf else {
      guard !path.hasSuffix(Self.suffix) else {
        throw ValidationError("\(target.rawValue) is a folder, \(path) is the name of a file")
      }
      return
    }
    guard path.hasSuffix(Self.suffix), path != Self.suffix, !path.hasSuffix("/" + Self.suffix)
    else { throw ValidationError("the name of a GGUF file ends in \(Self.suffix)") }
  }

  /// The file's name without `.gguf`, which the names of further parts begin with, or the folder's.
  var name: String {
    let last = String(path.split(separator: "/").last ?? "")
    return last.hasSuffix(Self.suffix) ? String(last.dropLast(Self.suffix.count)) : last
  }
}

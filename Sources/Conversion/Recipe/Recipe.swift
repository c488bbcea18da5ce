import QuernCheckpoints
import QuernContainers
import QuernFormats
import QuernQuantization

/// Which number format and method each tensor gets: a list of rules, the first that matches wins. A
/// tensor that no rule matches keeps its values as they are (`source`).
public struct Recipe: Equatable, Sendable {
  /// The format a rule asks for.
  public enum TargetType: Hashable, Sendable {
    /// Nothing lost: the smallest format of the target that holds every value.
    case source
    case format(NumberFormat)

    /// The word in recipes.
    public var word: String {
      switch self {
      case .source: "source"
      case .format(let format): format.rawValue
      }
    }
  }

  public struct Rule: Equatable, Sendable {
    public enum Match: Equatable, Sendable {
      case output(String)
      case source(String)
      case role(TensorRole)
    }

    public let match: Match
    public let type: TargetType
    public let method: Method
    /// True where the rule may match nothing, as those of the built-ins: they are for every family.
    public let isOptional: Bool
  }

  /// How values become codes.
  public enum Method: String, CaseIterable, Sendable {
    /// Grid-aware where the source has a grid, otherwise the best encoder there is.
    case auto
    /// The one-pass rule of the format: the scale follows from the largest magnitude.
    case absmax
    /// From the codes of an FP4 source, never from floats.
    case gridAware = "grid-aware"
  }

  public let name: String
  public let rules: [Rule]
}

extension Recipe {
  /// The built-in recipes of a target: name and text.
  public static func builtIns(target: String) -> [(name: String, text: String)] {
    Formats.recipes.filter { $0.target == target }.map {
      ($0.name, String(decoding: $0.text, as: UTF8.self))
    }
  }

  /// Loads a recipe by the name of a built-in, or from a file when the argument has a `/` or ends in
  /// `.json5`.
  ///
  /// - Throws: `ConversionError.recipe` for an unknown name, key or word; `.file` when a file cannot
  ///   be read.
  public static func load(_ argument: String, target: String) throws(ConversionError) -> Recipe {
    if argument.contains("/") || argument.hasSuffix(".json5") {
      let bytes: [UInt8]
      do throws(FileError) {
        bytes = try InputFile.contents(of: argument, limit: 1 << 20)
      } catch {
        if error.kind == .notFound {
          throw .checkpoint(.notFound(path: argument, hint: "expected a recipe file"))
        }
        throw .file(error)
      }
      do throws(RecipeError) {
        return try parse(bytes, name: argument, target: target)
      } catch { throw .recipe(error) }
    }
    do throws(RecipeError) {
      return try builtIn(argument, target: target)
    } catch { throw .recipe(error) }
  }

  private static func builtIn(_ name: String, target: String) throws(RecipeError) -> Recipe {
    let all = Formats.recipes.filter { $0.target == target }
    guard let found = all.first(where: { $0.name == name }) else {
      throw RecipeError(
        recipe: name,
        problem: "no built-in recipe of that name for \(target); there are "
          + all.map(\.name).joined(separator: ", ")
          + " (a file has a / in its name or ends in .json5)")
    }
    return try parse(found.text, name: name, target: target)
  }

  /// Parses the text of a recipe.
  package static func parse(_ text: [UInt8], name: String, target: String) throws(RecipeError)
    -> Recipe
  {
    let value: JSONValue
    do throws(JSONError) {
      value = try JSONValue(parsing: text, dialect: .relaxed)
    } catch { throw RecipeError(recipe: name, problem: "malformed, \(error)") }
    guard let object = value.object else {
      throw RecipeError(recipe: name, problem: "found \(value.summary), expected an object")
    }
    let parser = RecipeParser(name: name)
    try parser.check(object, keys: ["rules", "extends"], in: "the recipe")
    guard let rules = object["rules"]?.array else {
      throw RecipeError(
        recipe: name,
        problem: "rules: found \(object["rules"]?.summary ?? "nothing"), expected a list")
    }
    var parsed: [Rule] = []
    for (index, rule) in rules.enumerated() { parsed.append(try parser.rule(rule, index: index)) }
    guard let extends = object["extends"] else { return Recipe(name: name, rules: parsed) }
    guard let base = extends.string else {
      throw RecipeError(recipe: name, problem: "extends: found \(extends.summary), expected a name")
    }
    return Recipe(name: name, rules: parsed + (try builtIn(base, target: target)).rules)
  }
}

/// Reads single rules.
private struct RecipeParser {
  let name: String

  func check(_ object: JSONObject, keys: [String], in place: String) throws(RecipeError) {
    for member in object.members where !keys.contains(member.key) {
      throw RecipeError(
        recipe: name,
        problem: "unknown key \"\(member.key.escapedForDisplay)\" in \(place); known are "
          + keys.joined(separator: ", "))
    }
  }

  func rule(_ value: JSONValue, index: Int) throws(RecipeError) -> Recipe.Rule {
    let place = "rule \(index + 1)"
    guard let object = value.object else {
      throw RecipeError(
        recipe: name, problem: "\(place): found \(value.summary), expected an object")
    }
    try check(object, keys: ["match", "type", "method", "optional"], in: place)
    let type = try text(object, "type", place)
    let target: Recipe.TargetType
    if type == "source" {
      target = .source
    } else if let format = NumberFormat(rawValue: type), format != .i32 {
      target = .format(format)
    } else {
      let words = ["source"] + NumberFormat.allCases.filter { $0 != .i32 }.map(\.rawValue)
      throw unknown(type, field: "type", place, words)
    }
    var method = Recipe.Method.auto
    if object["method"] != nil {
      let word = try text(object, "method", place)
      guard let known = Recipe.Method(rawValue: word) else {
        throw unknown(word, field: "method", place, Recipe.Method.allCases.map(\.rawValue))
      }
      method = known
    }
    var isOptional = false
    if let value = object["optional"] {
      guard let flag = value.bool else {
        throw RecipeError(
          recipe: name,
          problem: "\(place): optional: found \(value.summary), expected true or false")
      }
      isOptional = flag
    }
    return Recipe.Rule(
      match: try match(try text(object, "match", place), place), type: target, method: method,
      isOptional: isOptional)
  }

  private func match(_ text: String, _ place: String) throws(RecipeError) -> Recipe.Rule.Match {
    if text.hasPrefix("source:") { return .source(String(text.dropFirst("source:".count))) }
    guard text.hasPrefix("role:") else { return .output(text) }
    let word = String(text.dropFirst("role:".count))
    guard let role = TensorRole(rawValue: word) else {
      throw unknown(word, field: "role", place, TensorRole.allCases.map(\.rawValue))
    }
    return .role(role)
  }

  private func text(_ object: JSONObject, _ key: String, _ place: String) throws(RecipeError)
    -> String
  {
    guard let text = object[key]?.string else {
      throw RecipeError(
        recipe: name,
        problem: "\(place): \(key): found \(object[key]?.summary ?? "nothing"), expected a string")
    }
    return text
  }

  private func unknown(_ word: String, field: String, _ place: String, _ known: [String])
    -> RecipeError
  {
    RecipeError(
      recipe: name,
      problem: "\(place): \(field): found \"\(word.escapedForDisplay)\", expected one of "
        + known.joined(separator: ", "))
  }
}

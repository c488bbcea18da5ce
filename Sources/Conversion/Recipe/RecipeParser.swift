import QuernCheckpoints
import QuernContainers
import QuernQuantization

extension Recipe {
  /// Parses the text of a recipe.
  package static func parse(_ text: [UInt8], name: String, target: ConversionTarget)
    throws(RecipeError)
    -> Recipe
  {
    let value: JSONValue
    do throws(JSONError) {
      value = try JSONValue(parsing: text, dialect: .relaxed)
    } catch { throw RecipeError(recipe: name, problem: "malformed, \(error)") }
    guard let object = value.object else {
      throw RecipeError(recipe: name, problem: "found \(value.summary), expected an object")
    }
    let parser = RecipeParser(name: name, target: target)
    try parser.check(object, keys: ["version", "rules", "extends"], in: "the recipe")
    let version = try parser.version(object)
    guard let rules = object["rules"]?.array else {
      throw RecipeError(
        recipe: name,
        problem: "rules: found \(object["rules"]?.summary ?? "nothing"), expected a list")
    }
    var parsed: [Rule] = []
    for (index, rule) in rules.enumerated() { parsed.append(try parser.rule(rule, index: index)) }
    guard let extends = object["extends"] else {
      return Recipe(name: name, version: version, rules: parsed)
    }
    guard let base = extends.string else {
      throw RecipeError(recipe: name, problem: "extends: found \(extends.summary), expected a name")
    }
    return Recipe(
      name: name, version: version, rules: parsed + (try builtIn(base, target: target)).rules)
  }
}

/// Reads single rules.
struct RecipeParser {
  let name: String
  let target: ConversionTarget

  func check(_ object: JSONObject, keys: [String], in place: String) throws(RecipeError) {
    for member in object.members where !keys.contains(member.key) {
      throw RecipeError(
        recipe: name,
        problem: "unknown key \"\(member.key.escapedForDisplay)\" in \(place); known are "
          + keys.joined(separator: ", "))
    }
  }

  func version(_ object: JSONObject) throws(RecipeError) -> Int? {
    guard let value = object["version"] else { return nil }
    guard let version = value.integer, version > 0 else {
      throw RecipeError(
        recipe: name, problem: "version: found \(value.summary), expected a number from 1 on")
    }
    return version
  }

  func rule(_ value: JSONValue, index: Int) throws(RecipeError) -> Recipe.Rule {
    let place = "rule \(index + 1)"
    guard let object = value.object else {
      throw RecipeError(
        recipe: name, problem: "\(place): found \(value.summary), expected an object")
    }
    try check(
      object, keys: ["match", "type", "method", "actOrder", "layers", "optional"], in: place)
    let type = try type(object, place)
    let method: Recipe.Method = try word(object, "method", place) ?? .auto
    if let problem = Self.problem(method, type) {
      throw RecipeError(recipe: name, problem: "\(place): method: \(problem)")
    }
    return Recipe.Rule(
      match: try match(try text(object, "match", place), place), type: type, method: method,
      layers: try word(object, "layers", place),
      ordersByActivation: try ordersByActivation(object, method, place),
      isOptional: try flag(object, "optional", place))
  }

  private func type(_ object: JSONObject, _ place: String) throws(RecipeError)
    -> Recipe.TargetType
  {
    let word = try text(object, "type", place)
    if let type = types.first(where: { $0.word == word }) { return type }
    throw unknown(word, field: "type", place, types.map(\.word))
  }

  /// What a rule may ask for.
  private var types: [Recipe.TargetType] {
    guard let runtime = target.runtime else {
      return [.source] + NumberFormat.allCases.filter { $0 != .i32 }.map { .format($0) }
    }
    let numbers: [NumberFormat] = [.f32, .f16, .bf16]
    return [.source] + numbers.map { .format($0) }
      + IntegerFormat.all(runtime).map { .integers($0) }
  }

  /// What is wrong with a method for a type, or nil.
  private static func problem(_ method: Recipe.Method, _ type: Recipe.TargetType) -> String? {
    guard case .format(let format) = type, format.blockElements > 1 else {
      return method == .ggml || method == .gptq
        ? "\(method.rawValue) is for block formats, not for \(type.word)" : nil
    }
    switch method {
    case .absmax where format.referenceMethod != .absmax:
      return "\(format.rawValue) has no one-pass rule; its reference search is \"ggml\""
    case .ggml where format.referenceMethod != .ggml:
      return "\(format.rawValue) has no reference search; its one-pass rule is \"absmax\""
    default: return nil
    }
  }

  private func ordersByActivation(
    _ object: JSONObject, _ method: Recipe.Method, _ place: String
  ) throws(RecipeError) -> Bool {
    guard object["actOrder"] == nil || method == .gptq else {
      throw RecipeError(
        recipe: name, problem: "\(place): actOrder: it is for method gptq, not \(method.rawValue)")
    }
    return try flag(object, "actOrder", place)
  }

  private func flag(_ object: JSONObject, _ key: String, _ place: String) throws(RecipeError)
    -> Bool
  {
    guard let value = object[key] else { return false }
    guard let flag = value.bool else {
      throw RecipeError(
        recipe: name,
        problem: "\(place): \(key): found \(value.summary), expected true or false")
    }
    return flag
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

  /// A word of a closed set; nil where the key is absent.
  private func word<Word: RawRepresentable & CaseIterable>(
    _ object: JSONObject, _ key: String, _ place: String
  ) throws(RecipeError) -> Word? where Word.RawValue == String {
    guard object[key] != nil else { return nil }
    let text = try text(object, key, place)
    guard let word = Word(rawValue: text) else {
      throw unknown(text, field: key, place, Word.allCases.map(\.rawValue))
    }
    return word
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

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
    /// Integers in the form of the target's runtime.
    case integers(IntegerFormat)

    /// The word in recipes.
    public var word: String {
      switch self {
      case .source: "source"
      case .format(let format): format.rawValue
      case .integers(let format): format.word
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
    /// The layers the rule is for; nil for all, and for what belongs to none.
    public let layers: LayerSelection?
    /// For `gptq`: whether columns are rounded by falling activation instead of first to last.
    public let ordersByActivation: Bool
    /// True where the rule may match nothing, as those of the built-ins: they are for every family.
    public let isOptional: Bool
  }

  /// How values become codes.
  public enum Method: String, CaseIterable, Sendable {
    /// Grid-aware where the source has a grid, otherwise optimal.
    case auto
    /// The one-pass rule of the format: the scale follows from the largest magnitude.
    case absmax
    /// The reference search of the K and IQ formats.
    case ggml
    /// The scales of least squared error, weighted where an imatrix is given.
    case optimal
    /// From the codes of an FP4 source, never from floats.
    case gridAware = "grid-aware"
    /// One column after the other, with what each costs moved to those behind it.
    case gptq
  }

  /// A built-in's name, a file's path.
  public let name: String
  /// Counts the changes of a built-in's bytes; nil for a file that does not say.
  public let version: Int?
  public let rules: [Rule]

  package init(name: String, version: Int? = nil, rules: [Rule]) {
    self.name = name
    self.version = version
    self.rules = rules
  }
}

extension Recipe {
  /// A recipe that comes with Quern.
  public struct BuiltIn: Sendable {
    public let name: String
    public let version: Int
    /// The file that it could have been.
    public let text: String

    /// `q4_0@2`.
    public var displayName: String { "\(name)@\(version)" }
  }

  /// The built-in recipes of a target.
  public static func builtIns(target: ConversionTarget) -> [BuiltIn] {
    Formats.recipes.filter { $0.target == target.rawValue }.map { entry in
      let recipe = try? parse(entry.text, name: entry.name, target: target)
      return BuiltIn(
        name: entry.name, version: recipe?.version ?? 1,
        text: String(decoding: entry.text, as: UTF8.self))
    }
  }

  /// Whether an argument means a file: it has a `/` or ends in `.json5`.
  public static func isFile(_ argument: String) -> Bool {
    argument.contains("/") || argument.hasSuffix(".json5")
  }

  /// Loads a recipe by the name of a built-in, with or without its version (`q4_0`, `q4_0@2`), or from
  /// a file when the argument has a `/` or ends in `.json5`.
  ///
  /// - Throws: `ConversionError.recipe` for an unknown name, version, key or word; `.file` when a file
  ///   cannot be read.
  public static func load(_ argument: String, target: ConversionTarget) throws(ConversionError)
    -> Recipe
  {
    guard isFile(argument) else {
      do throws(RecipeError) {
        return try builtIn(argument, target: target)
      } catch { throw .recipe(error) }
    }
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

  /// The built-in of a name, which may carry the version.
  static func builtIn(_ argument: String, target: ConversionTarget) throws(RecipeError) -> Recipe {
    let halves = argument.split(separator: "@", maxSplits: 1, omittingEmptySubsequences: false)
    let all = Formats.recipes.filter { $0.target == target.rawValue }
    guard let found = all.first(where: { $0.name == halves[0] }) else {
      throw RecipeError(
        recipe: argument,
        problem: "no built-in recipe of that name for \(target.rawValue); there are "
          + all.map(\.name).joined(separator: ", ")
          + " (a file has a / in its name or ends in .json5)")
    }
    let recipe = try parse(found.text, name: found.name, target: target)
    guard halves.count == 1 || Int(halves[1]) == recipe.version else {
      throw RecipeError(
        recipe: argument,
        problem: "this build has \(recipe.displayName); the changelog says what changed")
    }
    return recipe
  }
}

import ArgumentParser
import Quern

struct RecipesCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "recipes",
    abstract: "Lists the built-in recipes, or prints one as a file.",
    discussion: """
      A recipe is a list of rules; the first that matches a tensor gives its number format. A file \
      of your own may extend a built-in one. Its rules must match something, unless they say \
      `optional: true`.

      Examples:
        quern recipes
        quern recipes q4_0@2 > mine.json5
        quern plan ./checkpoint --recipe ./mine.json5
      """)

  @Argument(help: ArgumentHelp("The recipe to print.", valueName: "name"))
  var name: String?

  @Option(help: "The target whose recipes are meant.")
  var to = ConversionTarget.gguf

  func run() throws {
    let recipes = Recipe.builtIns(target: to)
    guard let name else {
      var table = TextTable([.left, .left])
      for recipe in recipes { table.add([recipe.displayName, Self.summary(recipe.text)]) }
      return try StandardOutput.write(table.text(indent: 0))
    }
    guard !Recipe.isFile(name) else {
      throw ValidationError("\(name) is a file, not the name of a built-in recipe")
    }
    let loaded: Recipe
    do throws(ConversionError) {
      loaded = try Recipe.load(name, target: to)
    } catch { throw ValidationError("\(error)") }
    for recipe in recipes where recipe.name == loaded.name {
      try StandardOutput.write(recipe.text)
    }
  }

  /// The sentence that a recipe's comment begins with.
  private static func summary(_ text: String) -> String {
    let comment = text.split(separator: "\n").prefix { $0.hasPrefix("//") }
      .map { $0.drop { $0 == "/" || $0 == " " } }.joined(separator: " ")
    guard let end = comment.firstRange(of: ". ") else { return comment }
    return String(comment[..<end.lowerBound]) + "."
  }
}

import QuernContainers

/// What is wrong with a recipe.
public struct RecipeError: Error, Equatable, Sendable, CustomStringConvertible {
  /// The file, or the name of a built-in.
  public let recipe: String
  public let problem: String

  public var description: String { "recipe \(recipe.escapedForDisplay): \(problem)" }
}

/// What is wrong with a JSON text, and at which byte.
public struct JSONError: Error, Equatable, Sendable, CustomStringConvertible {
  public let byteOffset: Int
  public let problem: String

  package init(byteOffset: Int, problem: String) {
    self.byteOffset = byteOffset
    self.problem = problem
  }

  public var description: String { "byte \(byteOffset): \(problem)" }
}

/// A formula of an architecture table: integers, names, `names[index]`, `given(name)`, `+ - * /`,
/// comparisons, `!` and parentheses. Truth is 1, falsehood 0.
///
/// Division must be exact: `hidden/heads` with a remainder is an error, not a floor.
package indirect enum Expression: Equatable, Sendable {
  case literal(Int)
  case name(String)
  case element(of: String, at: Expression)
  case given(String)
  case not(Expression)
  case binary(Operator, Expression, Expression)

  package enum Operator: String, Sendable {
    case add = "+"
    case subtract = "-"
    case multiply = "*"
    case divide = "/"
    case equal = "=="
    case notEqual = "!="
    case less = "<"
    case greater = ">"
    case atLeast = ">="
  }

  /// Why a formula has no value for these bindings.
  package enum Failure: Error, Equatable, Sendable {
    case unknownName(String)
    case indexOutOfRange(String, index: Int, count: Int)
    case notDivisible(Int, by: Int)
    case overflow
    case syntax(String)
  }

  /// The value for the given bindings.
  package func value(in bindings: Bindings) throws(Failure) -> Int {
    switch self {
    case .literal(let value): return value
    case .name(let name):
      guard let value = bindings.integers[name] else { throw .unknownName(name) }
      return value
    case .element(let name, let indexExpression):
      guard let values = bindings.arrays[name] else { throw .unknownName(name) }
      let index = try indexExpression.value(in: bindings)
      guard values.indices.contains(index) else {
        throw .indexOutOfRange(name, index: index, count: values.count)
      }
      return values[index]
    case .given(let name): return bindings.given.contains(name) ? 1 : 0
    case .not(let operand): return try operand.value(in: bindings) == 0 ? 1 : 0
    case .binary(let operation, let left, let right):
      return try Self.apply(
        operation, try left.value(in: bindings), try right.value(in: bindings))
    }
  }

  private static func apply(_ operation: Operator, _ left: Int, _ right: Int) throws(Failure) -> Int
  {
    let result: (partialValue: Int, overflow: Bool)
    switch operation {
    case .add: result = left.addingReportingOverflow(right)
    case .subtract: result = left.subtractingReportingOverflow(right)
    case .multiply: result = left.multipliedReportingOverflow(by: right)
    case .divide:
      guard right > 0, left % right == 0 else { throw .notDivisible(left, by: right) }
      return left / right
    case .equal: return left == right ? 1 : 0
    case .notEqual: return left != right ? 1 : 0
    case .less: return left < right ? 1 : 0
    case .greater: return left > right ? 1 : 0
    case .atLeast: return left >= right ? 1 : 0
    }
    guard !result.overflow else { throw .overflow }
    return result.partialValue
  }
}

/// What the names in a formula stand for.
package struct Bindings: Sendable {
  package var integers: [String: Int] = [:]
  package var arrays: [String: [Int]] = [:]
  package var reals: [String: Double] = [:]
  /// Names whose value the config states, as opposed to a default.
  package var given: Set<String> = []

  package init() {}
}

extension Expression {
  /// Parses a formula.
  package init(parsing text: String) throws(Failure) {
    var parser = ExpressionParser(text)
    self = try parser.comparison()
    try parser.end()
  }
}

/// Recursive descent: comparison ▸ sum ▸ product ▸ atom.
private struct ExpressionParser {
  private let tokens: [String]
  private var position = 0

  init(_ text: String) {
    var tokens: [String] = []
    var word = ""
    for character in text {
      if character.isLetter || character.isNumber || character == "_" {
        word.append(character)
        continue
      }
      if !word.isEmpty { tokens.append(word) }
      word = ""
      if character == " " { continue }
      if character == "=", let last = tokens.last, ["=", "!", "<", ">"].contains(last) {
        tokens[tokens.count - 1] = last + "="
      } else {
        tokens.append(String(character))
      }
    }
    if !word.isEmpty { tokens.append(word) }
    self.tokens = tokens
  }

  func end() throws(Expression.Failure) {
    guard position == tokens.count else { throw .syntax(tokens[position]) }
  }

  mutating func comparison() throws(Expression.Failure) -> Expression {
    let left = try sum()
    guard let operation = take(["==", "!=", "<", ">", ">="]) else { return left }
    return .binary(operation, left, try sum())
  }

  private mutating func sum() throws(Expression.Failure) -> Expression {
    var left = try product()
    while let operation = take(["+", "-"]) { left = .binary(operation, left, try product()) }
    return left
  }

  private mutating func product() throws(Expression.Failure) -> Expression {
    var left = try atom()
    while let operation = take(["*", "/"]) { left = .binary(operation, left, try atom()) }
    return left
  }

  private mutating func atom() throws(Expression.Failure) -> Expression {
    guard position < tokens.count else { throw .syntax("end of formula") }
    let token = tokens[position]
    position += 1
    if token == "!" { return .not(try atom()) }
    if token == "(" {
      let inner = try comparison()
      try expect(")")
      return inner
    }
    if let value = Int(token) { return .literal(value) }
    guard let first = token.first, first.isLetter else { throw .syntax(token) }
    if token == "given", position < tokens.count, tokens[position] == "(" {
      position += 1
      guard position < tokens.count else { throw .syntax("end of formula") }
      let name = tokens[position]
      position += 1
      try expect(")")
      return .given(name)
    }
    if position < tokens.count, tokens[position] == "[" {
      position += 1
      let index = try comparison()
      try expect("]")
      return .element(of: token, at: index)
    }
    return .name(token)
  }

  private mutating func take(_ operators: [String]) -> Expression.Operator? {
    guard position < tokens.count, operators.contains(tokens[position]) else { return nil }
    position += 1
    return Expression.Operator(rawValue: tokens[position - 1])
  }

  private mutating func expect(_ token: String) throws(Expression.Failure) {
    guard position < tokens.count, tokens[position] == token else { throw .syntax(token) }
    position += 1
  }
}

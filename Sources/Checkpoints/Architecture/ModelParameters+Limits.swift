import QuernContainers

extension ModelParameters {
  /// Refuses a model that a GGUF file of its family cannot say, or that the runtime would run as another.
  ///
  /// - Returns: what the runtime does differently where that is no reason to refuse.
  package func checkLimits(config: ModelConfig?) throws(InputProblem) -> [String] {
    var warnings: [String] = []
    for limit in table.limits {
      guard try applies(limit, file: config?.path ?? "config.json") else { continue }
      let found = config?.json.value(atPath: limit.field)?.summary ?? "no such key"
      if let expected = limit.expected {
        throw InputProblem(
          file: config?.path ?? "config.json", field: limit.field, found: found,
          expected: expected)
      }
      if let warning = limit.warning { warnings.append("\(limit.field) is \(found): \(warning)") }
    }
    return warnings
  }

  private func applies(_ limit: ArchitectureTable.Limit, file: String) throws(InputProblem) -> Bool
  {
    do throws(Expression.Failure) {
      return try limit.condition.value(in: bindings) != 0
    } catch {
      throw InputProblem(
        file: file, field: limit.field, found: "\(error)", expected: "a value for it")
    }
  }
}

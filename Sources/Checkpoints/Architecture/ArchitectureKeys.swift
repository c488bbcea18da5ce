import QuernContainers

/// The keys that an architecture table lists, with their values for one model.
package struct ArchitectureKeys {
  private let parameters: ModelParameters
  private let isDraft: Bool
  private let fileType: UInt32
  /// The file that messages blame.
  private let file: String

  package init(parameters: ModelParameters, isDraft: Bool, fileType: UInt32, file: String) {
    self.parameters = parameters
    self.isDraft = isDraft
    self.fileType = fileType
    self.file = file
  }

  package func keyValues() throws(InputProblem) -> [GGUFKeyValue] {
    var bindings = parameters.bindings
    bindings.integers["file_type"] = Int(fileType)
    bindings.integers["draft"] = isDraft ? 1 : 0
    if isDraft {
      // The draft file numbers its blocks behind the main model's.
      bindings.integers["blocks"] =
        (bindings.integers["layers"] ?? 0) + (bindings.integers["stages"] ?? 0)
    }
    var result: [GGUFKeyValue] = []
    for entry in parameters.table.metadata {
      if let condition = entry.condition, try integer(condition, entry, bindings) == 0 { continue }
      let key = entry.key.replacing("{arch}", with: parameters.table.architecture)
      if entry.type == "rope-scaling" {
        result += parameters.ropeScaling.keyValues(architecture: parameters.table.architecture)
      } else {
        result.append(.init(key, try value(of: entry, bindings)))
      }
    }
    return result
  }

  private func value(of entry: ArchitectureTable.Metadata, _ bindings: Bindings)
    throws(InputProblem)
    -> GGUFValue
  {
    switch entry.type {
    case "f32": return .float32(try real(entry, bindings))
    case "f32[blocks]":
      let count = bindings.integers["blocks"] ?? 0
      return .array(.float32(Array(repeating: try real(entry, bindings), count: count)))
    case "i32[]":
      return .array(.int32((bindings.arrays[entry.value] ?? []).map(Int32.init(clamping:))))
    case "bool": return .bool(try integer(formula(entry), entry, bindings) != 0)
    default:
      let number = try integer(formula(entry), entry, bindings)
      guard let value = UInt32(exactly: number) else {
        throw InputProblem(
          file: file, field: entry.key, found: "\(number)", expected: "a number that fits 32 bits")
      }
      return .uint32(value)
    }
  }

  private func real(_ entry: ArchitectureTable.Metadata, _ bindings: Bindings) throws(InputProblem)
    -> Float
  {
    guard let value = bindings.reals[entry.value], Float(value).isFinite else {
      throw InputProblem(
        file: file, field: entry.key,
        found: bindings.reals[entry.value].map { "\($0)" } ?? "nothing",
        expected: "a number that fits float32")
    }
    return Float(value)
  }

  private func formula(_ entry: ArchitectureTable.Metadata) throws(InputProblem) -> Expression {
    do throws(Expression.Failure) {
      return try Expression(parsing: entry.value)
    } catch {
      throw InputProblem(file: file, field: entry.key, found: "\(error)", expected: "a formula")
    }
  }

  private func integer(
    _ expression: Expression, _ entry: ArchitectureTable.Metadata, _ bindings: Bindings
  ) throws(InputProblem) -> Int {
    do throws(Expression.Failure) {
      return try expression.value(in: bindings)
    } catch {
      throw InputProblem(file: file, field: entry.key, found: "\(error)", expected: "a number")
    }
  }
}

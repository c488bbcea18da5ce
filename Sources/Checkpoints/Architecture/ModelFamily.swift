import QuernContainers

/// Finds the table for a checkpoint.
package enum ModelFamily {
  /// The numbers of the model a checkpoint's config describes.
  ///
  /// - Throws: `CheckpointError.problem` when there is no config, the family is unknown or a parameter
  ///   is missing.
  package static func parameters(
    of checkpoint: Checkpoint, keepsDraft: Bool
  ) throws(CheckpointError) -> ModelParameters {
    guard checkpoint.dialect != .gguf else {
      throw .problem(
        InputProblem(
          file: checkpoint.folder, found: "a GGUF file",
          expected: "a folder: what is in blocks already can be run and compared, not converted"))
    }
    guard let config = checkpoint.config else {
      throw .problem(
        InputProblem(
          file: checkpoint.folder + "/config.json", found: "no such file",
          expected: "the model's configuration"))
    }
    do throws(InputProblem) {
      let table = try table(for: config)
      var parameters = try ModelParameters(
        table: table, config: config.json, file: config.path,
        tensorNames: checkpoint.tensors.map(\.name))
      parameters.keepDraft(keepsDraft)
      return parameters
    } catch { throw .problem(error) }
  }

  /// Whether a table is for the checkpoint's class or, where none is given, its model type.
  package static func knows(_ checkpoint: Checkpoint) -> Bool {
    guard let config = checkpoint.config else { return false }
    return ArchitectureTable.all.contains { table in
      table.classes.contains(where: config.classes.contains)
        || config.classes.isEmpty && table.modelTypes.contains(config.modelType ?? "")
    }
  }

  /// The table that knows the config's class; where the class is not given, the one that knows its
  /// model type.
  package static func table(for config: ModelConfig) throws(InputProblem) -> ArchitectureTable {
    let type = config.modelType ?? ""
    if type.hasPrefix("deepseek_v41") || config.classes.contains("DeepseekV41ForCausalLM") {
      throw InputProblem(
        file: config.path, field: "model_type", found: "DeepSeek-V4.1 (\(type))",
        expected:
          "a family Quern knows: of V4.1 it lacks the Engram tables, the shared key and index "
          + "sources, the drafter and the vision tower"
      )
    }
    for table in ArchitectureTable.all {
      if table.classes.contains(where: config.classes.contains)
        || config.classes.isEmpty && table.modelTypes.contains(type)
      {
        guard type.isEmpty || table.modelTypes.contains(type) else {
          throw InputProblem(
            file: config.path, field: "model_type", found: "\"\(type.escapedForDisplay)\"",
            expected: "\(table.modelTypes.joined(separator: " or ")), which goes with "
              + config.classes.joined(separator: ", ").escapedForDisplay)
        }
        return table
      }
    }
    let found =
      config.classes.isEmpty
      ? (type.isEmpty ? "neither model_type nor architectures" : "\"\(type.escapedForDisplay)\"")
      : config.classes.joined(separator: ", ").escapedForDisplay
    throw InputProblem(
      file: config.path, field: config.classes.isEmpty ? "model_type" : "architectures",
      found: found,
      expected: "one of " + ArchitectureTable.all.flatMap(\.classes).joined(separator: ", "))
  }
}

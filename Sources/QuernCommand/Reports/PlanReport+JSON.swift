import Quern

extension Importance {
  /// Writes what the imatrix is and how far it reaches, as a member of an open object.
  func write(to writer: inout JSONWriter, _ summary: ImportanceSummary?) {
    writer.key("imatrix")
    writer.beginObject()
    writer.member("name", fileName)
    writer.member("hash", hash)
    if let summary {
      writer.member("weightedTensors", summary.weightedTensorCount)
      writer.member("unseenExperts", summary.unseenExpertCount)
      writer.key("withoutData")
      writer.value(.array(summary.tensorsWithoutData.map { .string($0) }))
    }
    writer.end()
  }
}

extension PlanReport {
  /// Prints the plan as one JSON document, row by row.
  func printJSON() throws {
    var writer = JSONWriter()
    writer.beginObject()
    writeHead(&writer)
    writer.key("tensors")
    writer.beginArray()
    for (index, tensor) in plan.tensors.enumerated() {
      write(tensor, index: index, to: &writer)
      try StandardOutput.drain(&writer)
    }
    writer.end()
    writer.key("dropped")
    writer.beginArray()
    for tensor in plan.dropped {
      writer.beginObject(.inline)
      writer.member("name", tensor.name.text)
      writer.member("bytes", tensor.byteCount)
      writer.member("reason", tensor.reason)
      writer.end()
      try StandardOutput.drain(&writer)
    }
    writer.end()
    writer.end()
    try StandardOutput.drain(&writer, isLast: true)
  }

  private func writeHead(_ writer: inout JSONWriter) {
    writer.member("checkpoint", plan.checkpoint.folder)
    if let repository = plan.checkpoint.repositoryID { writer.member("repository", repository) }
    if let revision = plan.checkpoint.revision { writer.member("revision", revision) }
    writer.member("target", plan.target.rawValue)
    writer.member("recipe", plan.recipe.displayName)
    writer.member("architecture", plan.architecture)
    writer.member("plan", plan.hash)
    if let importance = plan.importance { importance.write(to: &writer, plan.importanceSummary) }
    if let calibration = plan.calibration {
      writer.key("calibration")
      writer.beginObject()
      writer.member("name", calibration.fileName)
      writer.member("hash", calibration.hash)
      writer.end()
    }
    writer.member("outputBytes", plan.outputByteCount)
    writer.member("bitsPerWeight", plan.bitsPerWeight)
    if let budget { write(budget, to: &writer) }
    rotation?.write(to: &writer)
    fourBits?.write(to: &writer)
    writer.member("memoryBytes", memoryByteCount)
    writer.member("threads", threadCount)
    if let freeByteCount { writer.member("freeBytes", freeByteCount) }
    writer.key("warnings")
    writer.beginArray()
    for warning in plan.warnings { writer.string(warning) }
    writer.end()
    writeTotals("types", PlanTotals.byFormat(plan).map { ($0.0.word, $0.1) }, to: &writer)
    writeTotals("exactness", PlanTotals.byExactness(plan), to: &writer)
    writer.key("files")
    writer.beginArray()
    for file in plan.files {
      writer.beginObject(.inline)
      writer.member("name", file.name)
      writer.member("tensors", file.tensors.count)
      writer.member("bytes", file.byteCount)
      writer.end()
    }
    writer.end()
  }

  private func write(_ budget: BudgetPlan, to writer: inout JSONWriter) {
    writer.key("budget")
    writer.beginObject(.inline)
    switch budget.budget {
    case .bitsPerWeight(let bits): writer.member("bitsPerWeight", bits)
    case .byteCount(let count): writer.member("bytes", count)
    }
    writer.member("tensors", budget.tensorCount)
    writer.member("signal", budget.signal)
    writer.member("noise", budget.noise)
    writer.member("noiseBound", budget.noiseBound)
    writer.end()
  }

  private func writeTotals(
    _ key: String, _ totals: [(String, PlanTotals)], to writer: inout JSONWriter
  ) {
    writer.key(key)
    writer.beginArray()
    for (name, total) in totals {
      writer.beginObject(.inline)
      writer.member("name", name)
      writer.member("tensors", total.tensorCount)
      writer.member("weights", total.elementCount)
      writer.member("bytes", total.byteCount)
      writer.end()
    }
    writer.end()
  }

  private func write(_ tensor: PlannedTensor, index: Int, to writer: inout JSONWriter) {
    writer.beginObject(.inline)
    writer.member("name", tensor.name)
    writer.member("file", plan.files.firstIndex { $0.tensors.contains(index) } ?? 0)
    writer.member("role", tensor.role.rawValue)
    writer.key("sources")
    writer.value(.array(tensor.sourceEncodings.map { .string($0) }))
    writer.key("shape")
    writer.value(.array(tensor.shape.dimensions.map { .integer($0) }))
    writer.member("type", tensor.storage.word)
    if let wanted = tensor.fallbackFrom { writer.member("fallbackFrom", wanted.rawValue) }
    writer.member("bitsPerWeight", tensor.bitsPerElement)
    writer.member("method", tensor.method.rawValue)
    if let importance = tensor.importance {
      writer.member("weighted", true)
      writer.member("unseenExperts", importance.unseenExpertCount)
    }
    if let count = tensor.unseenExpertsOfCalibration {
      writer.member("expertsWithoutStatistics", count)
    }
    writer.member("expected", tensor.expectation.word)
    if case .exactIf(let condition) = tensor.expectation { writer.member("condition", condition) }
    writer.member("sourceBytes", tensor.sourceByteCount)
    writer.member("bytes", tensor.byteCount)
    writer.end()
  }
}

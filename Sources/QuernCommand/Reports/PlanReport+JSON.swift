import Quern

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
    writer.member("target", plan.target)
    writer.member("recipe", plan.recipe.displayName)
    writer.member("architecture", plan.architecture)
    writer.member("plan", plan.hash)
    writer.member("outputBytes", plan.outputByteCount)
    writer.member("bitsPerWeight", plan.bitsPerWeight)
    writer.member("memoryBytes", memoryByteCount)
    writer.member("threads", threadCount)
    if let freeByteCount { writer.member("freeBytes", freeByteCount) }
    writer.key("warnings")
    writer.beginArray()
    for warning in plan.warnings { writer.string(warning) }
    writer.end()
    writeTotals("types", PlanTotals.byFormat(plan).map { ($0.0.rawValue, $0.1) }, to: &writer)
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
    writer.member("type", tensor.format.rawValue)
    if let wanted = tensor.fallbackFrom { writer.member("fallbackFrom", wanted.rawValue) }
    writer.member("method", tensor.method.rawValue)
    writer.member("expected", tensor.expectation.word)
    if case .exactIf(let condition) = tensor.expectation { writer.member("condition", condition) }
    writer.member("sourceBytes", tensor.sourceByteCount)
    writer.member("bytes", tensor.byteCount)
    writer.end()
  }
}

import Quern

extension ConversionReport {
  /// Prints the result as one JSON document.
  func printJSON() throws {
    var writer = JSONWriter()
    writer.beginObject()
    writer.member("checkpoint", plan.checkpoint.folder)
    writer.member("target", plan.target.rawValue)
    writer.member("recipe", plan.recipe.displayName)
    writer.member("architecture", plan.architecture)
    writer.member("plan", plan.hash)
    if let importance = plan.importance { importance.write(to: &writer, plan.importanceSummary) }
    writer.key("files")
    writer.beginArray()
    for file in certificate.files {
      writer.beginObject(.inline)
      writer.member("path", path(of: file.name))
      writer.member("bytes", file.byteCount)
      writer.member("hash", file.hash)
      writer.end()
    }
    writer.end()
    writer.member("certificate", certificatePath)
    writer.member("bitsPerWeight", plan.bitsPerWeight)
    writer.member("sourceBytes", sourceByteCount)
    writer.member("seconds", seconds)
    writeCensus(&writer)
    writeWorst(&writer)
    fourBits?.write(to: &writer)
    writer.key("warnings")
    writer.beginArray()
    for warning in plan.warnings { writer.string(warning) }
    writer.end()
    writer.member("next", verifyCommand)
    if let serve = ServeCommand(plan, path: folder) { writer.member("serve", serve.text) }
    writer.end()
    try StandardOutput.drain(&writer, isLast: true)
  }

  private func writeCensus(_ writer: inout JSONWriter) {
    writer.key("exactness")
    writer.beginArray()
    for (kind, tensorCount, elementCount) in census {
      writer.beginObject(.inline)
      writer.member("class", kind.rawValue)
      writer.member("tensors", tensorCount)
      writer.member("weights", elementCount)
      writer.end()
    }
    writer.end()
  }

  private func writeWorst(_ writer: inout JSONWriter) {
    writer.key("worst")
    writer.beginArray()
    for row in worst {
      writer.beginObject(.inline)
      writer.member("name", row.name)
      writer.member("type", row.type)
      writer.member("class", row.classification.rawValue)
      if let sqnr = row.sums.sqnrDecibels { writer.member("sqnr", sqnr) }
      if let sqnr = row.importance?.sqnrDecibels { writer.member("weightedSqnr", sqnr) }
      writer.member("maxAbsError", row.sums.maxAbsError)
      writer.end()
    }
    writer.end()
  }
}

import QuernContainers

extension VerificationReport {
  /// Writes the report as one JSON document; the fields of a tensor are named as in certificates.
  package func write(to writer: inout JSONWriter) {
    writer.beginObject()
    writer.member("format", "quern-verification")
    writer.member("version", 1)
    writer.member("mode", mode.rawValue)
    writer.member("passed", isPassed)
    writeTexts(files, "files", to: &writer)
    writer.key("failures")
    writer.beginArray()
    for failure in failures { failure.write(to: &writer) }
    writer.end()
    writeTexts(warnings, "warnings", to: &writer)
    writeTexts(notes, "notes", to: &writer)
    writer.key("products")
    writer.beginArray()
    for product in products { product.write(to: &writer) }
    writer.end()
    writer.key("tensors")
    writer.beginArray()
    for row in rows { row.write(to: &writer) }
    writer.end()
    writer.end()
  }

  /// The report as bytes of JSON.
  public func encoded() -> [UInt8] {
    var writer = JSONWriter()
    write(to: &writer)
    return writer.bytes
  }

  private func writeTexts(_ texts: [String], _ key: String, to writer: inout JSONWriter) {
    writer.key(key)
    writer.beginArray()
    for text in texts { writer.string(text) }
    writer.end()
  }
}

extension VerificationReport.Failure {
  fileprivate func write(to writer: inout JSONWriter) {
    writer.beginObject(.inline)
    writer.member("file", file)
    if let tensor { writer.member("tensor", tensor) }
    writer.member("what", what)
    writer.member("found", found)
    writer.member("expected", expected)
    writer.end()
  }
}

extension VerificationReport.Products {
  fileprivate func write(to writer: inout JSONWriter) {
    writer.beginObject(.inline)
    writer.member("type", type)
    writer.member("weights", weightCount)
    writer.member("medianError", medianError)
    writer.member("worstError", worstError)
    writer.member("worst", worstName)
    writer.member("worstLimit", worstLimit)
    writer.member("splitWeights", splitWeightCount)
    writer.member("worstSplitError", worstSplitError)
    writer.member("relaidWeights", relaidWeightCount)
    writer.end()
  }
}

extension VerificationReport.Row {
  fileprivate func write(to writer: inout JSONWriter) {
    writer.beginObject(.inline)
    writer.member("name", name)
    writer.member("file", file)
    writer.member("type", type)
    writer.key("shape")
    writer.value(.array(shape.map { .integer($0) }))
    writer.member("status", status.rawValue)
    if let classification {
      writer.member("class", classification.rawValue)
      if let error = sums.relativeError { writer.member("relativeError", error) }
      sums.writeMembers(to: &writer)
    }
    counts.writeMembers(to: &writer)
    writer.end()
  }
}

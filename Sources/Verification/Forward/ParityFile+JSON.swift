import QuernContainers

extension ParityFile {
  /// The file, as `init(parsing:path:)` reads it.
  package var json: [UInt8] {
    var writer = JSONWriter()
    write(to: &writer)
    return writer.drain()
  }

  package func write(to writer: inout JSONWriter) {
    writer.beginObject()
    writer.member("format", Self.formatName)
    writer.member("version", Self.formatVersion)
    writer.member("tool", tool)
    writer.key("checkpoint")
    write(checkpoint, to: &writer)
    writer.key("output")
    write(output, mode: mode, to: &writer)
    writer.key("tokens")
    write(tokens, to: &writer)
    writer.key("layers")
    writer.beginArray()
    for layer in layers { write(layer, to: &writer) }
    writer.end()
    if let result {
      writer.key("result")
      write(result, to: &writer)
    }
    writer.end()
  }

  private func write(_ model: Model, mode: Mode? = nil, to writer: inout JSONWriter) {
    writer.beginObject()
    writer.member("name", model.name)
    writer.member("architecture", model.architecture)
    writer.member("path", model.path)
    if let mode { writer.member("mode", mode.rawValue) }
    writer.end()
  }

  private func write(_ tokens: Tokens, to writer: inout JSONWriter) {
    writer.beginObject()
    writer.member("source", tokens.source)
    writer.member("count", tokens.count)
    writer.member("sequences", tokens.sequences)
    writer.member("sequence_length", tokens.sequenceLength)
    writer.member("scored", tokens.scored)
    writer.end()
  }

  private func write(_ layer: Layer, to writer: inout JSONWriter) {
    writer.beginObject()
    writer.member("layer", layer.layer)
    writer.member("relative_error", layer.relativeError)
    writer.member("cosine", layer.cosine)
    writer.member("own_relative_error", layer.ownRelativeError)
    writer.member("own_cosine", layer.ownCosine)
    write(layer.router, "router", to: &writer)
    write(layer.indexer, "indexer", to: &writer)
    writer.end()
  }

  private func write(_ agreement: Agreement?, _ key: String, to writer: inout JSONWriter) {
    guard let agreement else { return }
    writer.key(key)
    writer.beginObject()
    writer.member("agreement", agreement.carried)
    writer.member("own_agreement", agreement.own)
    writer.end()
  }

  private func write(_ result: Result, to writer: inout JSONWriter) {
    writer.beginObject()
    writer.key("kl")
    writer.beginObject()
    write(result.divergence.mean, "mean", to: &writer)
    writer.member("median", result.divergence.median)
    writer.member("p99", result.divergence.p99)
    writer.member("max", result.divergence.max)
    writer.end()
    writer.key("same_top")
    writer.beginObject()
    write(result.sameTop, "fraction", to: &writer)
    writer.end()
    writer.key("perplexity")
    writer.beginObject()
    let perplexities = [
      ("checkpoint", result.checkpointPerplexity), ("output", result.outputPerplexity),
    ]
    for (key, estimate) in perplexities {
      writer.key(key)
      writer.beginObject()
      write(estimate, "value", to: &writer)
      writer.end()
    }
    writer.end()
    writer.end()
  }

  private func write(_ estimate: Estimate, _ key: String, to writer: inout JSONWriter) {
    writer.member(key, estimate.value)
    if let error = estimate.standardError { writer.member("standard_error", error) }
  }
}

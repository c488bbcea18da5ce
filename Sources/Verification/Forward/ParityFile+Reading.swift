import QuernContainers

extension ParityFile {
  private static let anyNumber = -Double.greatestFiniteMagnitude...Double.greatestFiniteMagnitude
  private static let atLeastZero = 0...Double.greatestFiniteMagnitude
  private static let share = 0.0...1.0
  /// A cosine of equal vectors may come out a little above 1.
  private static let cosines = -1.000001...1.000001

  /// - Throws: `InputProblem` naming the field that is missing, of another kind or out of range.
  init(parsing bytes: [UInt8], path: String) throws(InputProblem) {
    let value: JSONValue
    do throws(JSONError) {
      value = try JSONValue(parsing: bytes)
    } catch {
      throw InputProblem(file: path, found: "malformed JSON, \(error)", expected: "a parity file")
    }
    guard let object = value.object else {
      throw InputProblem(file: path, found: value.summary, expected: "a parity file")
    }
    let fields = JSONFields(object, file: path)
    guard object["format"]?.string == Self.formatName else {
      throw fields.problem("format", Self.formatName)
    }
    guard object["version"]?.integer == Self.formatVersion else {
      throw fields.problem("version", "\(Self.formatVersion)")
    }
    tool = try fields.text("tool")
    checkpoint = try Model(fields.fields("checkpoint"))
    let output = try fields.fields("output")
    self.output = try Model(output)
    guard let mode = Mode(rawValue: try output.text("mode")) else {
      throw output.problem("mode", "decoded or integer")
    }
    self.mode = mode
    tokens = try Tokens(fields.fields("tokens"))
    layers = try Self.layers(fields)
    result = fields.has("result") ? try Result(fields.fields("result")) : nil
  }

  private static func layers(_ fields: JSONFields) throws(InputProblem) -> [Layer] {
    var layers: [Layer] = []
    for entry in try fields.list("layers", limit: layerLimit) {
      let layer = try Layer(entry)
      guard layer.layer > layers.last?.layer ?? -1, layer.layer < layerLimit else {
        throw entry.problem("layer", "numbers below \(layerLimit) in ascending order")
      }
      layers.append(layer)
    }
    return layers
  }

  /// The two shares of a chooser, where the layer has one.
  fileprivate static func agreement(_ key: String, of fields: JSONFields) throws(InputProblem)
    -> Agreement?
  {
    guard fields.has(key) else { return nil }
    let both = try fields.fields(key)
    return Agreement(
      carried: try both.number("agreement", in: share),
      own: try both.number("own_agreement", in: share))
  }

  /// A value and the standard error beside it.
  fileprivate static func estimate(
    _ key: String, of fields: JSONFields, in range: ClosedRange<Double>
  ) throws(InputProblem) -> Estimate {
    let error = "standard_error"
    return Estimate(
      value: try fields.number(key, in: range),
      standardError: fields.has(error) ? try fields.number(error, in: atLeastZero) : nil)
  }
}

extension ParityFile.Model {
  fileprivate init(_ fields: JSONFields) throws(InputProblem) {
    name = try fields.text("name")
    architecture = try fields.text("architecture")
    path = try fields.text("path")
  }
}

extension ParityFile.Tokens {
  fileprivate init(_ fields: JSONFields) throws(InputProblem) {
    source = try fields.text("source")
    count = try fields.count("count")
    sequences = try fields.count("sequences")
    sequenceLength = try fields.count("sequence_length")
    scored = try fields.count("scored")
  }
}

extension ParityFile.Layer {
  fileprivate init(_ fields: JSONFields) throws(InputProblem) {
    layer = try fields.count("layer")
    relativeError = try fields.number("relative_error", in: ParityFile.atLeastZero)
    cosine = try fields.number("cosine", in: ParityFile.cosines)
    ownRelativeError = try fields.number("own_relative_error", in: ParityFile.atLeastZero)
    ownCosine = try fields.number("own_cosine", in: ParityFile.cosines)
    router = try ParityFile.agreement("router", of: fields)
    indexer = try ParityFile.agreement("indexer", of: fields)
  }
}

extension ParityFile.Result {
  fileprivate init(_ fields: JSONFields) throws(InputProblem) {
    let kl = try fields.fields("kl")
    divergence = ParityFile.Divergence(
      mean: try ParityFile.estimate("mean", of: kl, in: ParityFile.anyNumber),
      median: try kl.number("median", in: ParityFile.anyNumber),
      p99: try kl.number("p99", in: ParityFile.anyNumber),
      max: try kl.number("max", in: ParityFile.anyNumber))
    sameTop = try ParityFile.estimate(
      "fraction", of: fields.fields("same_top"), in: ParityFile.share)
    let perplexity = try fields.fields("perplexity")
    checkpointPerplexity = try ParityFile.estimate(
      "value", of: perplexity.fields("checkpoint"), in: ParityFile.atLeastZero)
    outputPerplexity = try ParityFile.estimate(
      "value", of: perplexity.fields("output"), in: ParityFile.atLeastZero)
  }
}

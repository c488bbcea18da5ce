import Quern
import QuernModels

/// What a calibration saw, and which experts saw too little.
struct CalibrationReport {
  let result: CalibrationResult
  let plan: CalibrationPlan
  let chunkLength: Int
  let seconds: Double

  /// Experts that are named of a layer.
  private static let worstCount = 4

  private var minimum: Int { plan.options.minimumTokens }

  private var thinLayers: [CalibrationResult.ExpertLayer] {
    result.expertLayers.filter { !$0.thin(below: minimum).isEmpty }
  }

  // MARK: Text

  func printText() throws {
    try StandardOutput.line(
      "\(plan.modelName.escapedForDisplay): inputs of \(String.counted(result.weightCount, "weight")), "
        + "\(result.tokenCount.grouped) tokens in \(String.counted(result.chunkCount, "sequence")) "
        + "of \(chunkLength.grouped), \(seconds.durationText)")
    var files = TextTable([.left, .right])
    for file in result.files { files.add([file.path, file.byteCount.bytesText]) }
    try StandardOutput.write(files.text())
    try printExperts()
  }

  private func printExperts() throws {
    let withoutMatrices = result.expertLayers.reduce(0) { $0 + $1.withoutMatrices }
    if withoutMatrices > 0 {
      try StandardOutput.line(
        "\(String.counted(withoutMatrices, "expert")) saw fewer tokens than hessians of their own "
          + "need: gptq encodes their down projection as optimal does")
    }
    guard !thinLayers.isEmpty else { return }
    let experts = thinLayers.reduce(0) { $0 + $1.thin(below: minimum).count }
    try StandardOutput.line(
      "\(String.counted(experts, "expert")) saw fewer than \(minimum.grouped) tokens; without any, "
        + "all inputs count the same:")
    var table = TextTable(
      [.left, .right, .right, .left], header: ["layer", "few", "none", "fewest (expert: tokens)"])
    for layer in thinLayers {
      table.add([
        layer.layer, "\(layer.thin(below: minimum).count) of \(layer.counts.count)",
        "\(layer.thin(below: 1).count)",
        layer.worst(Self.worstCount).map { "\($0): \(layer.counts[$0])" }
          .joined(separator: ", "),
      ])
    }
    try StandardOutput.write(table.text())
  }

  // MARK: JSON

  func printJSON() throws {
    var writer = JSONWriter()
    writer.beginObject()
    writer.member("model", plan.modelName)
    writer.member("weights", result.weightCount)
    writer.member("tokens", result.tokenCount)
    writer.member("sequences", result.chunkCount)
    writer.member("sequenceLength", chunkLength)
    writer.member("plannedDiskBytes", plan.diskByteCount)
    writer.key("files")
    writer.beginArray()
    for file in result.files {
      writer.beginObject(.inline)
      writer.member("path", file.path)
      writer.member("bytes", file.byteCount)
      writer.end()
    }
    writer.end()
    writer.member("minimumTokens", minimum)
    writer.key("experts")
    writer.beginArray()
    for layer in result.expertLayers { write(layer, to: &writer) }
    writer.end()
    writer.member("seconds", seconds)
    writer.end()
    try StandardOutput.drain(&writer, isLast: true)
  }

  private func write(_ layer: CalibrationResult.ExpertLayer, to writer: inout JSONWriter) {
    writer.beginObject(.inline)
    writer.member("layer", layer.layer)
    writer.member("experts", layer.counts.count)
    writer.member("few", layer.thin(below: minimum).count)
    writer.member("none", layer.thin(below: 1).count)
    writer.member("withoutHessians", layer.withoutMatrices)
    writer.key("tokens")
    writer.beginArray(.inline)
    for count in layer.counts { writer.integer(count) }
    writer.end()
    writer.end()
  }
}

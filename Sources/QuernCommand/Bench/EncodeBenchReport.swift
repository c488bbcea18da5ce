import QuernContainers
import QuernQuantization

/// The results of `bench encode` as a table for people or as JSON.
enum EncodeBenchReport {
  static func table(_ results: [EncodeMeasurement], rows: Int) -> String {
    var text =
      "one thread, \(RowKernels.best.levelName), at most \(rows) rows of "
      + "\(EncodingSignal.rowLength); GB/s of float32, or of FP4 for grid-aware\n"
    var table = TextTable(
      [.left, .left, .left, .right, .right, .right, .right],
      header: ["signal", "type", "method", "GB/s", "Mweight/s", "dB", "weighted dB"])
    for result in results {
      table.add([
        result.signal, result.type.name, result.way.name(result.type),
        result.gigabytesPerSecond.fixed(2), result.megaweightsPerSecond.fixed(1),
        decibels(result.error.decibels), decibels(result.error.weightedDecibels),
      ])
    }
    text += table.text(indent: 0)
    return text
  }

  /// Decibels are null where nothing was lost.
  static func json(_ results: [EncodeMeasurement], runs: Int) -> String {
    var writer = JSONWriter()
    writer.beginObject()
    writer.member("level", RowKernels.best.levelName)
    writer.member("rowLength", EncodingSignal.rowLength)
    writer.member("runs", runs)
    writer.key("results")
    writer.beginArray()
    for result in results { add(result, to: &writer) }
    writer.end()
    writer.end()
    return String(decoding: writer.bytes, as: UTF8.self)
  }

  private static func add(_ result: EncodeMeasurement, to writer: inout JSONWriter) {
    writer.beginObject(.inline)
    writer.member("signal", result.signal)
    writer.member("type", result.type.listedName)
    writer.member("bitsPerWeight", result.type.bitsPerWeight)
    writer.member("method", result.way.name(result.type))
    writer.member("rows", result.elementCount / EncodingSignal.rowLength)
    writer.member("sourceBytes", result.sourceByteCount)
    writer.member("secondScale", Double(result.secondScale))
    writer.member("GBps", result.gigabytesPerSecond)
    writer.member("Mwps", result.megaweightsPerSecond)
    writer.member("sqnrDecibels", result.error.decibels)
    writer.member("weightedSqnrDecibels", result.error.weightedDecibels)
    writer.member("noise", result.error.noise)
    writer.member("weightedNoise", result.error.weightedNoise)
    writer.end()
  }

  private static func decibels(_ value: Double) -> String {
    value == .infinity ? "exact" : value.fixed(2)
  }
}

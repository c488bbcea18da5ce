import QuernContainers

/// The timings of one case, in seconds a run.
struct BenchResult {
  let name: String
  let durable: Bool
  let sourceByteCount: Int
  let outputByteCount: Int
  var peakByteCount = 0
  private(set) var copy: [Double] = []
  private(set) var null: [Double] = []
  private(set) var convert: [Double] = []

  init(name: String, durable: Bool, sourceByteCount: Int, outputByteCount: Int) {
    self.name = name
    self.durable = durable
    self.sourceByteCount = sourceByteCount
    self.outputByteCount = outputByteCount
  }

  mutating func add(copy: Double, null: Double, convert: Double) {
    self.copy.append(copy)
    self.null.append(null)
    self.convert.append(convert)
  }

  /// 10⁹ bytes of source a second, median.
  func speed(_ seconds: [Double]) -> Double { Double(sourceByteCount) / Self.median(seconds) / 1e9 }

  /// How fast a conversion is beside another side of the same round: median of the pairs.
  func ratio(to other: [Double]) -> Double { Self.median(zip(other, convert).map { $0 / $1 }) }

  private static func median(_ values: [Double]) -> Double {
    let sorted = values.sorted()
    let middle = sorted.count / 2
    return sorted.count % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2
  }
}

/// The results as a table for people or as JSON.
enum BenchReport {
  static func table(_ results: [BenchResult], threads: Int) -> String {
    var lines: [String] = []
    for durable in [false, true] {
      let rows = results.filter { $0.durable == durable }
      if rows.isEmpty { continue }
      lines.append(
        "\(durable ? "with" : "without") fsync, \(threads) thread\(threads == 1 ? "" : "s"), GB/s of source"
      )
      lines.append(
        ["case", "convert", "per core", "null", "cp", "of null", "of cp", "peak MB"]
          .enumerated().map { $0 == 0 ? padRight($1, 12) : padLeft($1, 9) }.joined())
      for row in rows {
        let convert = row.speed(row.convert)
        let cells = [
          decimals(convert), decimals(convert / Double(threads)), decimals(row.speed(row.null)),
          decimals(row.speed(row.copy)), percent(row.ratio(to: row.null)),
          percent(row.ratio(to: row.copy)), "\(row.peakByteCount / 1_000_000)",
        ]
        lines.append(padRight(row.name, 12) + cells.map { padLeft($0, 9) }.joined())
      }
      lines.append("")
    }
    return lines.dropLast().joined(separator: "\n")
  }

  static func json(_ results: [BenchResult], threads: Int) -> String {
    var writer = JSONWriter()
    writer.beginObject()
    writer.member("threads", threads)
    writer.key("results")
    writer.beginArray()
    for result in results {
      writer.beginObject(.inline)
      writer.member("case", result.name)
      writer.member("fsync", result.durable)
      writer.member("sourceBytes", result.sourceByteCount)
      writer.member("outputBytes", result.outputByteCount)
      writer.member("convertGBps", result.speed(result.convert))
      writer.member("nullGBps", result.speed(result.null))
      writer.member("cpGBps", result.speed(result.copy))
      writer.member("ratioToNull", result.ratio(to: result.null))
      writer.member("ratioToCp", result.ratio(to: result.copy))
      writer.member("peakBytes", result.peakByteCount)
      writer.end()
    }
    writer.end()
    writer.end()
    return String(decoding: writer.bytes.dropLast(), as: UTF8.self)
  }

  private static func decimals(_ value: Double) -> String {
    let hundredths = Int((value * 100).rounded())
    let fraction = hundredths % 100
    return "\(hundredths / 100).\(fraction < 10 ? "0" : "")\(fraction)"
  }

  private static func percent(_ ratio: Double) -> String { "\(Int((ratio * 100).rounded()))%" }

  private static func padLeft(_ text: String, _ width: Int) -> String {
    String(repeating: " ", count: max(0, width - text.count)) + text
  }

  private static func padRight(_ text: String, _ width: Int) -> String {
    text + String(repeating: " ", count: max(0, width - text.count))
  }
}

import ArgumentParser
import Quern
import QuernContainers
import QuernQuantization

struct BenchEncodeCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "encode",
    abstract: "Measures the encoders on one core: speed, and what they keep of several signals.",
    discussion: """
      Every format, and integers with BF16 scales for rows or groups (int8-row, int4-g128 and the
      like), is encoded in every way there is: the reference rule, the search for the least
      error, the same with a made-up importance for each column, and, where the rows are on the FP4
      grid, from the grid. Speeds are medians of interleaved runs. Errors are judged by the reference
      decoder.

      The signals: gauss, laplace, student5 (five degrees of freedom), outliers (one column of 128 ten
      times as large), fp8 (E4M3 with a scale for every 128 × 128), mxfp4-ceil and mxfp4-floor (FP4
      with scales rounded up or down), and the matrices of any --model.

      EXAMPLES
        quern bench encode --type q4_k --type q4_0
        quern bench encode --signal gauss --model stories260K=testdata/stories260K/f32 --json
      """)

  @Option(name: .customLong("type"), help: "Only this format; may be repeated.")
  var types: [String] = []

  @Option(name: .customLong("signal"), help: "Only this synthetic signal; may be repeated.")
  var signals: [String] = []

  @Option(
    name: .customLong("model"),
    help: ArgumentHelp(
      "A checkpoint whose weights are a signal too; may be repeated.", valueName: "[name=]folder"))
  var models: [String] = []

  @Option(help: "Rows of 4096 weights of each signal.")
  var rows = 128

  @Option(help: "Interleaved runs of each way.")
  var runs = 5

  @Flag(help: "Print one JSON document.")
  var json = false

  @Option(
    help: ArgumentHelp(
      "Write what was encoded into this new folder: SIGNAL.f32, importance.f32 (float32, row by row) "
        + "and SIGNAL.TYPE.METHOD.blocks; of integers each row's codes and float32 scales.",
      valueName: "folder"))
  var export: String?

  func run() throws {
    let types = try chosenTypes()
    let signals = try chosenSignals()
    guard (1...1 << 20).contains(rows), runs > 0 else {
      throw ValidationError("--rows must be from 1 to 1048576, --runs positive")
    }
    if let export { try FileSystem.makeFolder(export) }
    var results: [EncodeMeasurement] = []
    for make in signals {
      let signal = try make()
      try write(signal)
      for type in types {
        results += try EncodeBenchmark(signal: signal, type: type, runs: runs).run {
          try write($1, "\(signal.name).\(type.listedName).\($0.name(type)).blocks")
        }
      }
    }
    try StandardOutput.write(
      json
        ? EncodeBenchReport.json(results, runs: runs)
        : EncodeBenchReport.table(results, rows: rows))
  }

  private func chosenTypes() throws -> [EncodedType] {
    if types.isEmpty { return EncodedType.all }
    return try types.map { name in
      guard let type = EncodedType.all.first(where: { $0.name == name.lowercased() }) else {
        let names = EncodedType.all.map(\.name).joined(separator: ", ")
        throw ValidationError("--type: found \(name), expected one of \(names)")
      }
      return type
    }
  }

  /// The signals are made when their turn comes, so that one at a time is in memory.
  private func chosenSignals() throws -> [() throws -> EncodingSignal] {
    let all = EncodingSignal.synthetic
    let names = signals.isEmpty && models.isEmpty ? all.map(\.name) : signals
    let synthetic = try names.map { name in
      guard let signal = all.first(where: { $0.name == name }) else {
        throw ValidationError(
          "--signal: found \(name), expected one of \(all.map(\.name).joined(separator: ", "))")
      }
      return { signal.make(rows) }
    }
    return synthetic
      + models.map { model in
        let parts = model.split(separator: "=", maxSplits: 1).map(String.init)
        let folder = parts.last ?? model
        let name = parts.count == 2 ? parts[0] : folder.split(separator: "/").last.map(String.init)
        return { try EncodingSignal.weights(of: folder, name: name ?? folder, rows: rows) }
      }
  }

  private func write(_ signal: EncodingSignal) throws {
    try write(signal.values.withUnsafeBytes { [UInt8]($0) }, signal.name + ".f32")
    guard let export, !FileSystem.exists("\(export)/importance.f32") else { return }
    try write(signal.importance.withUnsafeBytes { [UInt8]($0) }, "importance.f32")
  }

  private func write(_ bytes: [UInt8], _ name: String) throws {
    guard let export else { return }
    let file = try OutputFile(creating: "\(export)/\(name)", durable: false)
    try file.write(bytes, at: 0)
    try file.finish()
  }
}

import Foundation
import QuernContainers
import QuernTestSupport
import Testing

/// The built program, run as a user runs it.
struct QuernProcess {
  struct Result {
    let code: Int32
    let output: String
    let errors: String

    /// The one document that `--json` prints.
    func json() throws -> JSONObject {
      try #require(try JSONValue(parsing: Array(output.utf8)).object)
    }
  }

  private final class Marker {}

  /// The executable, among the build's products beside the test bundle.
  static let executable: URL = {
    let folders = [
      Bundle(for: Marker.self).bundleURL.deletingLastPathComponent(), Bundle.main.bundleURL,
      Bundle.main.executableURL?.deletingLastPathComponent(),
    ]
    let files = folders.compactMap { $0?.appending(path: "quern") }
    return files.first { FileManager.default.isExecutableFile(atPath: $0.path) }
      ?? URL(filePath: "/no-quern-beside-the-tests")
  }()

  private let process = Process()
  private let texts: Scratch

  /// Starts the program.
  ///
  /// - Parameter environment: added to one without any Hugging Face variables.
  init(
    _ arguments: [String], in folder: URL? = nil, environment: [String: String] = [:],
    program: URL = QuernProcess.executable
  ) throws {
    texts = try Scratch()
    process.executableURL = program
    process.arguments = arguments
    process.currentDirectoryURL = folder ?? texts.url
    process.environment = ["PATH": "/usr/bin:/bin", "HOME": texts.path("home")]
      .merging(environment) { $1 }
    process.standardInput = FileHandle.nullDevice
    process.standardOutput = try Self.file(texts.path("output"))
    process.standardError = try Self.file(texts.path("errors"))
    try process.run()
  }

  private static func file(_ path: String) throws -> FileHandle {
    #expect(FileManager.default.createFile(atPath: path, contents: nil))
    return try #require(FileHandle(forWritingAtPath: path))
  }

  var isRunning: Bool { process.isRunning }

  func send(_ signal: Int32) { kill(process.processIdentifier, signal) }

  /// Waits, a minute at most, and returns what the program left.
  func wait() throws -> Result {
    let deadline = Date(timeIntervalSinceNow: 60)
    while process.isRunning, Date() < deadline { usleep(2000) }
    if process.isRunning { send(SIGKILL) }
    process.waitUntilExit()
    let code = process.terminationStatus
    return Result(
      code: process.terminationReason == .exit ? code : -code,
      output: try String(contentsOfFile: texts.path("output"), encoding: .utf8),
      errors: try String(contentsOfFile: texts.path("errors"), encoding: .utf8))
  }

  /// Runs the program to its end.
  static func run(
    _ arguments: String..., in folder: Scratch? = nil, environment: [String: String] = [:]
  ) throws -> Result {
    try QuernProcess(arguments, in: folder?.url, environment: environment).wait()
  }

  /// Runs a line of shell in which `$0` is the program.
  static func shell(_ line: String, _ arguments: String...) throws -> Result {
    try QuernProcess(["-c", line, executable.path] + arguments, program: URL(filePath: "/bin/sh"))
      .wait()
  }
}

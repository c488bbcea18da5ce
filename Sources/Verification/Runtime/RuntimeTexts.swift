import QuernContainers
import QuernTensors

/// The small files of a folder that a runtime reads, and what is wrong with them as such.
struct RuntimeTexts {
  private(set) var failures: [VerificationReport.Failure] = []
  private let folder: String
  private let names: [String]

  /// Descriptions and indices of 300,000 tensors have some 30 MB.
  private static let maximumByteCount = 512 << 20

  init(_ folder: String, names: [String]) { (self.folder, self.names) = (folder, names) }

  /// The members of a JSON file in their order; nil, with a failure, where there are none.
  mutating func members(of name: String) throws(VerificationError) -> JSONObject? {
    guard names.contains(name) else {
      fail(name, found: "no such file", expected: "every file of the output")
      return nil
    }
    let bytes: [UInt8]
    do throws(FileError) {
      bytes = try InputFile.contents(of: folder + "/" + name, limit: Self.maximumByteCount)
    } catch { throw .file(error) }
    do throws(JSONError) {
      if let object = try JSONValue(parsing: bytes).object { return object }
      fail(name, found: "another value", expected: "an object")
    } catch {
      fail(name, found: "malformed JSON, \(error)", expected: "an object")
    }
    return nil
  }

  /// Whether there is a file of this name.
  func contains(_ name: String) -> Bool { names.contains(name) }

  private mutating func fail(_ name: String, found: String, expected: String) {
    failures.append(
      .init(file: name, tensor: nil, what: "file", found: found, expected: expected))
  }
}

import Foundation
import QuernContainers
import QuernTestSupport
import Testing

/// Every file of `testdata/malformed` is refused, or read, as its manifest says.
struct MalformedInputTests {
  struct Case: Sendable, CustomTestStringConvertible {
    let path: String
    let expectation: String
    let names: [String]

    var testDescription: String { path }
  }

  /// The manifest's cases of one kind.
  static func cases(_ kind: String) throws -> [Case] {
    let manifest = TestData.url("malformed/manifest.json").path
    let rows = try JSONValue(parsing: InputFile.contents(of: manifest, limit: 1 << 20))
    return try #require(rows.array).compactMap(\.object).filter { $0["kind"]?.string == kind }
      .map { row in
        Case(
          path: TestData.url("malformed/" + (row["path"]?.string ?? "")).path,
          expectation: row["expect"]?.string ?? "",
          names: row["names"]?.array?.compactMap(\.string) ?? [])
      }
  }

  @Test(arguments: try cases("safetensors"))
  func safetensorsFilesBehaveAsTheManifestSays(_ input: Case) throws {
    try check(input) { () throws(SafetensorsError) in
      _ = try SafetensorsFile(path: input.path)
    } isMalformed: {
      if case .malformed = $0 { true } else { false }
    }
  }

  @Test(arguments: try cases("gguf"))
  func ggufFilesBehaveAsTheManifestSays(_ input: Case) throws {
    try check(input) { () throws(GGUFError) in
      _ = try GGUFFile(path: input.path)
    } isMalformed: {
      if case .malformed = $0 { true } else { false }
    }
  }

  @Test func theManifestHasBothKinds() throws {
    #expect(try Self.cases("safetensors").count == 55)
    #expect(try Self.cases("gguf").count == 37)
  }

  private func check<Failure: Error & CustomStringConvertible>(
    _ input: Case, _ read: () throws(Failure) -> Void, isMalformed: (Failure) -> Bool
  ) throws {
    let clock = ContinuousClock()
    let start = clock.now
    defer { #expect(clock.now - start < .seconds(2)) }
    do throws(Failure) {
      try read()
      #expect(input.expectation != "reject")
    } catch {
      #expect(input.expectation == "reject" || input.expectation == "either", "\(error)")
      #expect(isMalformed(error), "\(error)")
      #expect(error.description.contains(input.path))
      for name in input.names { #expect(error.description.contains(name), "\(error)") }
    }
  }
}

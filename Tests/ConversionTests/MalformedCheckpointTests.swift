import Foundation
import QuernCheckpoints
import QuernContainers
import QuernTestSupport
import Testing

@testable import QuernConversion

/// The broken folders of `testdata/malformed`: opened, planned and converted to Q8_0 into an empty
/// folder, which is empty afterwards where the manifest wants a refusal.
struct MalformedCheckpointTests {
  struct Case: CustomTestStringConvertible, Sendable {
    let id: String
    let path: String
    let expectation: String
    let names: [String]
    var testDescription: String { id }
  }

  static let cases: [Case] = {
    guard
      let data = try? Data(contentsOf: TestData.url("malformed/manifest.json")),
      let manifest = try? JSONValue(parsing: [UInt8](data))
    else { return [] }
    return (manifest.array ?? []).compactMap(\.object)
      .filter { ["index", "config", "quant"].contains($0["kind"]?.string) }
      .map { entry in
        Case(
          id: entry["id"]?.string ?? "", path: entry["path"]?.string ?? "",
          expectation: entry["expect"]?.string ?? "",
          names: (entry["names"]?.array ?? []).compactMap(\.string))
      }
  }()

  @Test func theManifestIsThere() { #expect(Self.cases.count == 48) }

  @Test(arguments: cases) func everyCaseEndsAsTheManifestSays(item: Case) throws {
    let folder = try TemporaryFolder()
    let start = ContinuousClock.now
    var (warnings, failure) = ([String](), String?.none)
    do {
      let plan = try Converting.plan(testData: "malformed/" + item.path, recipe: "q8_0")
      warnings = plan.warnings
      try Converting.run(plan, in: folder)
    } catch { failure = "\(error)" }
    // Other tests share the processors; alone, none takes more than a tenth of a second.
    #expect(ContinuousClock.now - start < .seconds(20))
    let left = try folder.names()
    #expect(failure == nil ? left.count == 2 : left.isEmpty)
    if item.expectation == "reject" { #expect(failure != nil) }
    if ["accept", "warn"].contains(item.expectation) { #expect(failure == nil) }
    if item.expectation == "accept" || item.expectation == "either", failure == nil { return }
    let text = failure ?? warnings.joined(separator: "\n")
    // Some of the folders hold single tensors, no whole model: another refusal may come first.
    guard item.expectation != "either" else { return }
    for name in item.names { #expect(text.contains(name), "\(text)") }
  }
}

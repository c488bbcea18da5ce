import Foundation

/// Where the small real inputs and golden outputs of `testdata/` are.
package enum TestData {
  package static let root = URL(filePath: #filePath)
    .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()

  /// A file or folder below `testdata/`.
  package static func url(_ path: String) -> URL { root.appending(path: "testdata/\(path)") }

  /// A file or folder below `formats/`.
  package static func format(_ path: String) -> URL { root.appending(path: "formats/\(path)") }
}

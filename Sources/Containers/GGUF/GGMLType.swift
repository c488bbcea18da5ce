import QuernFormats
import QuernTensors

/// A tensor type of GGUF: its number in the file and the size of its blocks.
///
/// The table is `formats/types.json`.
public struct GGMLType: Hashable, Sendable, CustomStringConvertible {
  /// As ggml spells it: `Q8_0`.
  public let name: String
  public let id: UInt32
  /// Elements of one block, 1 for plain numbers.
  public let blockElementCount: Int
  public let blockByteCount: Int

  public var description: String { name }

  /// All types, in the order of their numbers.
  public static let all: [GGMLType] = table()

  private static let byID = Dictionary(uniqueKeysWithValues: all.map { ($0.id, $0) })
  private static let byName = Dictionary(uniqueKeysWithValues: all.map { ($0.name, $0) })

  /// The type of a number in a file, or nil for numbers never given or withdrawn.
  public static func withID(_ id: UInt32) -> GGMLType? { byID[id] }

  public static func named(_ name: String) -> GGMLType? { byName[name] }

  public static let f32 = required("F32")
  public static let f16 = required("F16")
  public static let bf16 = required("BF16")
  public static let i32 = required("I32")
  public static let q8_0 = required("Q8_0")
  public static let q4_0 = required("Q4_0")
  public static let mxfp4 = required("MXFP4")

  /// Bytes of a tensor, or nil when its rows are no whole blocks or the size does not fit.
  public func checkedByteCount(of shape: Shape) -> Int? {
    guard let elementCount = shape.checkedElementCount,
      (shape.dimensions.last ?? 1) % blockElementCount == 0
    else { return nil }
    let (byteCount, overflow) = (elementCount / blockElementCount)
      .multipliedReportingOverflow(by: blockByteCount)
    return overflow ? nil : byteCount
  }

  private static func required(_ name: String) -> GGMLType {
    guard let type = named(name) else { preconditionFailure("formats/types.json lacks \(name)") }
    return type
  }

  /// The embedded table; a mistake in it is the build's, found by the first test that runs.
  private static func table() -> [GGMLType] {
    guard let root = try? JSONValue(parsing: Formats.types), let rows = root.object?["types"]?.array
    else { preconditionFailure("formats/types.json is not a table of types") }
    return rows.map { row in
      guard let row = row.object, let name = row["name"]?.string,
        let id = row["id"]?.integer.flatMap(UInt32.init(exactly:)),
        let elements = row["elements"]?.integer, elements > 0,
        let bytes = row["bytes"]?.integer, bytes > 0
      else { preconditionFailure("formats/types.json: a row is not name, id, elements, bytes") }
      return GGMLType(name: name, id: id, blockElementCount: elements, blockByteCount: bytes)
    }
  }
}

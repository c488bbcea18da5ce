import QuernCheckpoints
import QuernQuantization
import QuernTensors

/// A type of the description, as vllm-ascend builds layers of it.
///
/// | type | tensors beside `weight` | for |
/// |---|---|---|
/// | W8A8_DYNAMIC | `weight_scale`, `weight_offset` | linear layers, experts |
/// | W8A8 | `deq_scale`, `quant_bias`, `input_scale`, `input_offset` | linear layers |
/// | W8A8_MIX | both | linear layers |
/// | W8A16 | `weight_scale`, `weight_offset`, for each row or group | linear layers |
/// | W4A8_DYNAMIC | `weight_scale`, `weight_offset`, `scale_bias` | experts |
/// | W4A4_DYNAMIC | `weight_scale`, `weight_offset` | linear layers |
enum AscendScheme: String, Sendable {
  case w8a8Dynamic = "W8A8_DYNAMIC"
  case w8a8 = "W8A8"
  case w8a8Mix = "W8A8_MIX"
  case w8a16 = "W8A16"
  case w4a8Dynamic = "W4A8_DYNAMIC"
  case w4a4Dynamic = "W4A4_DYNAMIC"

  static let float = "FLOAT"
  /// Runs of columns of `scale_bias` where ranks split the columns of a weight.
  static let splitRuns = 16

  /// Endings of the names of the tensors that values do not depend on, or that hold them.
  var parts: [String] {
    switch self {
    case .w8a8Dynamic, .w8a16, .w4a4Dynamic: ["weight", "weight_scale", "weight_offset"]
    case .w8a8: ["weight", "deq_scale", "quant_bias"]
    case .w8a8Mix: ["weight", "weight_scale", "weight_offset", "deq_scale", "quant_bias"]
    case .w4a8Dynamic: ["weight", "weight_scale", "weight_offset", "scale_bias"]
    }
  }

  /// Those of the tensors with a single number.
  var constants: [String] {
    self == .w8a8 || self == .w8a8Mix ? ["input_scale", "input_offset"] : []
  }

  /// - Parameter groups: scales of a row.
  func storage(rowLength: Int, groups: Int) -> IntegerStorage {
    var storage = IntegerStorage(bits: .eight, packing: .bytes)
    if self == .w4a8Dynamic { (storage.bits, storage.packing) = (.four, .rowPairs) }
    if self == .w4a4Dynamic { storage.bits = .four }
    if self == .w8a16, groups > 1, rowLength % groups == 0 {
      storage.groupElements = rowLength / groups
    }
    return storage
  }

  /// Why the runtime cannot build a layer of it; nil where it can.
  func problem(_ module: RuntimeModule?, _ shape: Shape) -> String? {
    guard let module, shape.rank == 2 else {
      return "FLOAT: it is no weight of a linear layer or an expert"
    }
    if let reason = module.floatReason { return "FLOAT: \(reason)" }
    switch (module.kind, self) {
    case (.linear, .w4a8Dynamic):
      return "a type for linear layers; vllm-ascend has W4A8_DYNAMIC for routed experts only"
    case (.expert, .w8a8), (.expert, .w8a8Mix), (.expert, .w8a16), (.expert, .w4a4Dynamic):
      return "a type that vllm-ascend has for experts: W8A8_DYNAMIC or W4A8_DYNAMIC"
    default: break
    }
    if self == .w4a8Dynamic, shape.rowCount % 2 != 0 {
      return "an even number of rows: two share a byte"
    }
    if self == .w4a8Dynamic, module.split == .columns, shape.rowLength % Self.splitRuns != 0 {
      return "rows that \(Self.splitRuns) divides, for the columns of scale_bias"
    }
    return nil
  }

  /// Shape of a part; nil where any number of columns will do.
  func shape(of part: String, _ matrix: StoredMatrix, _ module: RuntimeModule?) -> Shape? {
    let rows = matrix.shape.rowCount
    switch part {
    case "weight": return matrix.codesShape
    case "deq_scale", "quant_bias": return [rows]
    case "scale_bias": return [rows, module?.split == .columns ? Self.splitRuns : 1]
    default:
      return [rows, matrix.storage.groupsPerRow(rowLength: matrix.shape.rowLength)]
    }
  }

  /// Element types of a part.
  func elementTypes(of part: String) -> [ElementType] {
    switch part {
    case "weight": [.i8]
    case "quant_bias": [.i32]
    case "deq_scale": [.f32, .i64]
    case "scale_bias": [.f32]
    case "input_offset": [.f32, .bf16, .f16, .i8]
    case "weight_scale" where self == .w4a8Dynamic: [.f32]
    case "weight_offset" where self == .w4a8Dynamic: [.f32]
    default: [.f32, .bf16, .f16]
    }
  }
}

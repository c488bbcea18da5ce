import QuernQuantization

/// How msModelSlim says a tensor is quantized.
enum AscendType: String {
  case float = "FLOAT"
  /// Codes of eight bits with a scale for each row; activations are quantized as they come.
  case w8a8Dynamic = "W8A8_DYNAMIC"
  /// Activations have a fixed scale, and weights' scales are stored multiplied by it.
  case w8a8Static = "W8A8"
  /// Both of the above in one file.
  case w8a8Mix = "W8A8_MIX"
  /// Weights alone, with a scale for each row or each group of a row.
  case w8a16 = "W8A16"
  case w4a16 = "W4A16"
  /// Two rows to a row of bytes.
  case w4a8Dynamic = "W4A8_DYNAMIC"
  /// Codes of four bits, a byte for each.
  case w4a4Dynamic = "W4A4_DYNAMIC"

  /// Names that are types, whether they can be read here or not.
  static let unreadable: Set<String> = [
    "W16A16S", "W4A4_FLATQUANT_DYNAMIC", "W8A8_MXFP8", "W4A8_MXFP", "W4A4_MXFP4",
    "W4A4_MXFP4_DUALSCALE", "W4A4_MXFP4_FLATQUANT", "W4A4_MXFP4_SVD", "W4A16_MXFP4",
    "WFP8AFP8_DYNAMIC", "W8A8FP8_DYNAMIC", "C8", "FAQuant", "FAKQuant", "INT8_DYNAMIC",
  ]

  /// Suffixes of the tensors that a weight of this type has beside its codes: those it must have.
  var required: [String] {
    switch self {
    case .float: []
    case .w8a8Static: ["deq_scale", "input_scale"]
    case .w8a8Dynamic, .w8a8Mix, .w8a16, .w4a16, .w4a8Dynamic, .w4a4Dynamic: ["weight_scale"]
    }
  }

  /// What the runtime multiplies such weights with. Of W8A8_MIX it takes the dynamic half for prompts.
  var activations: SourceActivations {
    switch self {
    case .float, .w8a16, .w4a16: .floats
    case .w8a8Dynamic, .w8a8Mix, .w4a8Dynamic: .dynamic(.eight)
    case .w4a4Dynamic: .dynamic(.four)
    case .w8a8Static: .fixed
    }
  }

  /// Suffixes of those it may have.
  var optional: [String] {
    switch self {
    case .float: []
    case .w8a8Static: ["input_offset", "quant_bias"]
    case .w8a8Mix: ["weight_offset", "deq_scale", "input_scale", "input_offset", "quant_bias"]
    case .w4a8Dynamic: ["weight_offset", "scale_bias"]
    case .w8a8Dynamic, .w8a16, .w4a16, .w4a4Dynamic: ["weight_offset"]
    }
  }
}

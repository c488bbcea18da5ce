/// How the scales and codes of a block format are chosen.
public enum EncodingMethod: Sendable {
  /// The rule that the format's own tools follow, byte for byte: the scale from the block's largest
  /// magnitude, or ggml's search without importance for the K and IQ formats.
  case reference
  /// The scales and codes of least (weighted) squared error. Formats without blocks have no scales
  /// to search: values are rounded to nearest.
  case optimal
}

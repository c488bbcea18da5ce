/// Rows and the bytes that other people's encoders make of them. See `testdata/blocks`.
package struct BlockVectors {
  /// The words of the formats for which gguf-py has an encoder.
  package static let encodedByGGUFPy = ["q8_0", "q4_0", "q4_1", "q5_0", "q5_1", "mxfp4"]
  /// Those that only ggml encodes.
  package static let encodedByGGML = ["iq4_nl", "nvfp4", "q4_k", "q5_k", "q6_k", "iq4_xs"]

  package let values: [Float]
  package let bytes: [UInt8]

  /// What the encoder of the format `word`, called `name` by ggml, made.
  package init(word: String, name: String) throws {
    if Self.encodedByGGML.contains(word) {
      let vectors = try SafetensorsFixture("blocks/search_vectors.safetensors")
      values = try vectors.floats("values")
      bytes = try vectors.bytes("\(name).bytes")
    } else {
      let vectors = try SafetensorsFixture("blocks/block_vectors.safetensors")
      values = try vectors.floats("encode.\(name).values")
      bytes = try vectors.bytes("encode.\(name).bytes")
    }
  }
}

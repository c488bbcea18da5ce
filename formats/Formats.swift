/// Tables that are pure data, embedded in the binary.
///
/// The JSON files beside this one are the source; this file only hands out their bytes, so that no
/// resource bundle has to travel with a static executable.
package enum Formats {
  /// The number formats: ggml type ids, block sizes in elements and bytes.
  package static var types: [UInt8] { PackageResources.types_json }

  /// Pre-tokenizers: split patterns, the chains they form, the names that readers know.
  package static var preTokenizers: [UInt8] { PackageResources.pre_tokenizers_json }

  /// Canonical decompositions and compositions of Unicode 9, as NFC needs them.
  package static var canonicalDecompositions: [UInt8] {
    PackageResources.canonical_decompositions_json
  }

  /// The text that models are compared on where the user gives none.
  package static var parityText: [UInt8] { PackageResources.parity_txt }

  /// Architecture tables: roles, shapes, names in every dialect, metadata keys.
  package static var architectures: [[UInt8]] {
    [
      PackageResources.llama_json, PackageResources.qwen2_json, PackageResources.qwen3_json,
      PackageResources.qwen2moe_json, PackageResources.qwen3moe_json,
      PackageResources.mixtral_json,
      PackageResources.deepseek3_json, PackageResources.deepseek4_json,
    ]
  }

  /// The built-in recipes of each target, by name, as files that a person could have written.
  package static var recipes: [(target: String, name: String, text: [UInt8])] {
    [
      ("gguf", "source", PackageResources.gguf_source_json5),
      ("gguf", "q8_0", PackageResources.gguf_q8_0_json5),
      ("gguf", "q4_0", PackageResources.gguf_q4_0_json5),
      ("gguf", "q4_k_m", PackageResources.gguf_q4_k_m_json5),
      ("gguf", "q4_k_s", PackageResources.gguf_q4_k_s_json5),
      ("gguf", "q5_k_m", PackageResources.gguf_q5_k_m_json5),
      ("gguf", "q6_k", PackageResources.gguf_q6_k_json5),
      ("gguf", "iq4_xs", PackageResources.gguf_iq4_xs_json5),
      ("gguf", "iq4_nl", PackageResources.gguf_iq4_nl_json5),
      ("gguf", "nvfp4", PackageResources.gguf_nvfp4_json5),
      ("gguf", "v4-int8", PackageResources.gguf_v4_int8_json5),
      ("gguf", "v4-int4", PackageResources.gguf_v4_int4_json5),
      ("ascend", "w8a8", PackageResources.ascend_w8a8_json5),
      ("ascend", "w4a8", PackageResources.ascend_w4a8_json5),
      ("compressed-tensors", "w8a8", PackageResources.compressed_tensors_w8a8_json5),
      ("compressed-tensors", "w4a16", PackageResources.compressed_tensors_w4a16_json5),
      ("compressed-tensors", "w8a16", PackageResources.compressed_tensors_w8a16_json5),
    ]
  }
}

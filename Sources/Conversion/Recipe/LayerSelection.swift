extension Recipe {
  /// Layers that a rule may be limited to, as llama.cpp's mixes choose them (src/llama-quant.cpp).
  public enum LayerSelection: String, CaseIterable, Sendable {
    /// The first and the last eighth, and every third layer between them.
    case moreBits = "more-bits"
    /// The first eighth, rounded down: none of fewer than eight layers.
    case firstEighth = "first-eighth"

    /// - Parameters:
    ///   - layer: the layer's number, from 0 on.
    ///   - count: layers of the model, draft layers left out: these count as last ones.
    package func contains(layer: Int, of count: Int) -> Bool {
      let eighth = count / 8
      switch self {
      case .firstEighth: return layer < eighth
      case .moreBits:
        return layer < eighth || layer >= 7 * count / 8 || (layer - eighth) % 3 == 2
      }
    }
  }
}

/// The layer of an output tensor by its name, `blk.7.attn_q.weight`; nil for tensors of none.
package func layerNumber(ofTensor name: String) -> Int? {
  let parts = name.split(separator: ".", maxSplits: 2)
  guard parts.count == 3, parts[0] == "blk" else { return nil }
  return Int(parts[1])
}

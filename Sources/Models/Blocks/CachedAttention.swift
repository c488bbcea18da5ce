#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// The mixed values of one query as llama.cpp's flash attention on CPUs computes them from a cache of
/// F16: keys one after the other, weights relative to the largest score so far,
///
///     o ← f16(o · e^(m − m′)) where a score m′ exceeds the largest, m, and then o ← f16(o + e^(s − m) · v)
///
/// and in the end o / Σ e^(s − m). Source: ggml-cpu/ops.cpp, `ggml_compute_forward_flash_attn_ext_f16`.
struct CachedAttention {
  let scale: Float

  /// - Parameters:
  ///   - scores: q·k of the keys that the query sees.
  ///   - values: F16 numbers of the first key; those of the next are `stride` elements on.
  ///   - mixed: as many channels as a value has.
  func mix(
    _ scores: UnsafeMutableBufferPointer<Float>, values: UnsafePointer<Float>, stride: Int,
    into mixed: UnsafeMutableBufferPointer<Float>
  ) {
    mixed.update(repeating: 0)
    var largest = -Float.infinity
    var sum: Float = 0
    for key in scores.indices {
      let score = scores[key] * scale
      var weight: Float = 1
      if score > largest {
        let factor = exp(largest - score)
        largest = score
        sum *= factor
        for channel in mixed.indices { mixed[channel] *= factor }
        HalfPrecision.round(mixed)
      } else {
        weight = exp(score - largest)
      }
      sum += weight
      let value = values + key * stride
      for channel in mixed.indices { mixed[channel] += weight * value[channel] }
      HalfPrecision.round(mixed)
    }
    let inverse = 1 / sum
    for channel in mixed.indices { mixed[channel] *= inverse }
  }
}

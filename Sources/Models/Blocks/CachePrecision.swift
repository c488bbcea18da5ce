/// Which numbers attention keeps of tokens. llama.cpp's cache holds F16 unless it is told otherwise, and
/// what meets it is rounded to F16 as well (`CachedAttention`).
package enum CachePrecision: String, CaseIterable, Sendable {
  case f16
  case f32
}

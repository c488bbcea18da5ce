/// How weights are multiplied.
package enum ProductMode: String, Sendable {
  /// Weights as float32 with activations of float32: what the weights lost.
  case decoded
  /// As the kernels of the target do it, with rounded activations: what it will compute.
  case integer
}

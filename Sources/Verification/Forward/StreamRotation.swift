import CKernels
import QuernCheckpoints
import QuernModels
import QuernQuantization

/// Streams of a rotated output are those of its checkpoint times the Hadamard matrix of
/// `formats/rotation`: they are compared turned the same way.
struct StreamRotation: Sendable {
  private let rotates: Bool

  init(output: Checkpoint, checkpoint: Checkpoint) {
    rotates = output.isRotated && !checkpoint.isRotated
  }

  /// The checkpoint's stream as the output's layers have it.
  func toOutput(_ stream: Activations) -> Activations {
    let result = stream.copy()
    guard rotates, result.width % 32 == 0, let base = result.values.baseAddress else {
      return result
    }
    RowKernels.best.kernels.rotate_columns(base, nil, result.width, result.values.count)
    return result
  }
}

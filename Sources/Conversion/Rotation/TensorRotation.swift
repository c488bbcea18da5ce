import QuernQuantization

/// How the float32 values of a tensor are turned before they are encoded, as `formats/rotation` says:
/// columns first, then rows.
package struct TensorRotation: Sendable {
  /// Whether the columns of every row are turned, block by block.
  package var turnsColumns: Bool
  /// What columns are multiplied by before; nil where no norm's weights go to them.
  package var gains: RotationGains?
  /// Whether every block of rows is turned, column by column.
  package var turnsRows: Bool

  /// Output rows that cannot be separated.
  package var rowGranule: Int { turnsRows ? RowKernels.rotationBlock : 1 }
}

/// The weights of the norms before a matrix.
package struct RotationGains: Sendable {
  /// The norms, by their positions among the checkpoint's tensors.
  package let sources: [Int]
  /// One for each column.
  package var values: [Float]
  /// BLAKE3 of the values as float32, little-endian.
  package let hash: String
}

/// What a rotated model needs of one tensor.
enum PlannedRotation: Sendable {
  /// A norm whose weights other tensors take.
  case ones
  case turned(TensorRotation)

  /// Nil for ones.
  var turn: TensorRotation? { if case .turned(let turn) = self { turn } else { nil } }
}

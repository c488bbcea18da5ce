/// What a calibration saw.
package struct CalibrationResult: Equatable, Sendable {
  /// Tokens of a layer's routed experts.
  package struct ExpertLayer: Equatable, Sendable {
    package let layer: String
    /// Rows that each expert saw.
    package let counts: [Int]
    /// Experts that saw too little for Σ x xᵀ of their own.
    package var withoutMatrices = 0

    package func thin(below minimum: Int) -> [Int] {
      counts.indices.filter { counts[$0] < minimum }
    }

    /// The experts with the fewest rows, the fewest first.
    package func worst(_ count: Int) -> [Int] {
      Array(counts.indices.sorted { (counts[$0], $0) < (counts[$1], $1) }.prefix(count))
    }
  }

  package struct File: Equatable, Sendable {
    package let path: String
    package let byteCount: Int
  }

  package var weightCount = 0
  package var tokenCount = 0
  package var chunkCount = 0
  package var expertLayers: [ExpertLayer] = []
  package var files: [File] = []
}

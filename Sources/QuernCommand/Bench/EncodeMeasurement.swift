import QuernQuantization
import QuernTensors

/// Speed and error of one way to encode one signal.
struct EncodeMeasurement {
  /// The ways to encode, named as recipes name them.
  enum Way: CaseIterable {
    case reference, optimal, weighted, gridAware

    func name(_ type: EncodedType) -> String {
      switch self {
      case .reference: type.hasSearchedReference ? "ggml" : "absmax"
      case .optimal: "optimal"
      case .weighted: "optimal+importance"
      case .gridAware: "grid-aware"
      }
    }
  }

  let signal: String
  let type: EncodedType
  let way: Way
  let elementCount: Int
  /// Bytes that one pass reads: float32, or FP4 with its scales.
  let sourceByteCount: Int
  /// What decoded values have to be multiplied by: NVFP4's second scale, otherwise 1.
  let secondScale: Float
  let error: EncodingError
  /// Seconds for one pass over the rows, one for each run.
  var seconds: [Double] = []

  private var medianSeconds: Double {
    let sorted = seconds.sorted()
    let middle = sorted.count / 2
    return sorted.count % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2
  }

  /// 10⁹ bytes of source a second, median.
  var gigabytesPerSecond: Double { Double(sourceByteCount) / medianSeconds / 1e9 }

  /// 10⁶ weights a second, median.
  var megaweightsPerSecond: Double { Double(elementCount) / medianSeconds / 1e6 }
}

/// Squared error of an encoding against the signal, summed in double.
struct EncodingError {
  /// Σ x² and Σ (x − y)².
  private(set) var signal = 0.0
  private(set) var noise = 0.0
  /// Σ w·x² and Σ w·(x − y)², where w is the importance of the column.
  private(set) var weightedSignal = 0.0
  private(set) var weightedNoise = 0.0

  /// - Parameter decoded: as many values as the signal has.
  init(_ source: EncodingSignal, decoded: [Float]) {
    for (index, (value, output)) in zip(source.values, decoded).enumerated() {
      let weight = Double(source.importance[index % EncodingSignal.rowLength])
      let (square, difference) = (Double(value) * Double(value), Double(value) - Double(output))
      signal += square
      noise += difference * difference
      weightedSignal += weight * square
      weightedNoise += weight * difference * difference
    }
  }

  /// Signal to noise; infinite where nothing was lost.
  var decibels: Double { decibelRatio(signal, noise) }
  var weightedDecibels: Double { decibelRatio(weightedSignal, weightedNoise) }
}

extension EncodedType {
  /// Whether the format's reference is ggml's search; that of the others is a rule.
  fileprivate var hasSearchedReference: Bool {
    switch self {
    case .blocks(.q4_k), .blocks(.q5_k), .blocks(.q6_k), .blocks(.iq4_nl), .blocks(.iq4_xs): true
    default: false
    }
  }
}

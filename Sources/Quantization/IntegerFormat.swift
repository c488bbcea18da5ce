/// A matrix as integers, in the form that a runtime loads.
public struct IntegerFormat: Hashable, Sendable {
  /// Whose file layout it is.
  public enum Runtime: String, CaseIterable, Sendable {
    /// msModelSlim's, which vllm-ascend reads.
    case ascend
    case compressedTensors = "compressed-tensors"
  }

  /// How a runtime quantizes what is multiplied with the matrix.
  public enum Activations: Hashable, Sendable {
    /// Not at all.
    case float
    /// To eight bits, each token with a scale of its own.
    case dynamic
    /// To eight bits, by a scale and an offset found in calibration data.
    case fixed
  }

  public let runtime: Runtime
  /// By what recipes and certificates call it.
  public let word: String
  public let storage: IntegerStorage
  public let activations: Activations

  /// The formats of a runtime, by word.
  public static func all(_ runtime: Runtime) -> [IntegerFormat] {
    switch runtime {
    case .ascend: ascend
    case .compressedTensors: compressedTensors
    }
  }

  /// The format of a word; nil where the runtime has none of it.
  public init?(_ word: String, for runtime: Runtime) {
    guard let format = Self.all(runtime).first(where: { $0.word == word }) else { return nil }
    self = format
  }

  private init(
    _ runtime: Runtime, _ word: String, _ storage: IntegerStorage, _ activations: Activations
  ) {
    self.runtime = runtime
    self.word = word
    self.storage = storage
    self.activations = activations
  }

  private static let ascend: [IntegerFormat] = [
    IntegerFormat(
      .ascend, "w8a8_dynamic", IntegerStorage(bits: .eight, packing: .bytes), .dynamic),
    IntegerFormat(.ascend, "w8a8_static", IntegerStorage(bits: .eight, packing: .bytes), .fixed),
    IntegerFormat(.ascend, "w8a16", IntegerStorage(bits: .eight, packing: .bytes), .float),
    IntegerFormat(
      .ascend, "w4a8_dynamic", IntegerStorage(bits: .four, packing: .rowPairs), .dynamic),
  ]

  private static let compressedTensors: [IntegerFormat] =
    [
      IntegerFormat(
        .compressedTensors, "w8a8", IntegerStorage(bits: .eight, packing: .bytes), .dynamic)
    ]
    + IntegerGroupLayout.CodeBits.allCases.flatMap { bits in
      [32, 64, 128].map { (group: Int) in
        IntegerFormat(
          .compressedTensors, "w\(bits.rawValue)a16_g\(group)",
          IntegerStorage(bits: bits, groupElements: group, packing: .words), .float)
      }
    }
}

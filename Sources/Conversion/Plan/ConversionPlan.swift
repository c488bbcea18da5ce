import QuernCheckpoints
import QuernContainers
import QuernQuantization

/// A conversion, decided: every output tensor, the headers, the files and their sizes. Nothing after
/// the plan decides anything.
public struct ConversionPlan: Sendable {
  /// Changes with every change of what a plan decides.
  package static let version = 2

  public let target: String
  /// Name of the main file without `.gguf`.
  public let outputName: String
  public let recipe: Recipe
  public let options: ConversionOptions
  public package(set) var checkpoint: Checkpoint
  /// What errors are weighted with, where anything is.
  public let importance: Importance?
  /// What `gptq` rounds with, where it is used.
  public let calibration: Calibration?
  public let architecture: String
  public package(set) var tensors: [PlannedTensor]
  public let files: [PlannedFile]
  package let dropped: [TensorMap.Dropped]
  public let warnings: [String]
  /// BLAKE3 of the header of each source file.
  package let sourceHeaderHashes: [String]
  /// BLAKE3 of all that decides the output: no path, time, host or thread count.
  public let hash: String

  /// For every tensor its file and where in it the tensor begins.
  package var places: [(file: Int, offset: Int)] {
    files.enumerated().flatMap { index, file in file.offsets.map { (index, $0) } }
  }

  /// Bytes of all output files.
  public var outputByteCount: Int { files.reduce(0) { $0 + $1.byteCount } }

  /// Stored bits per weight of the output, headers left out.
  public var bitsPerWeight: Double {
    let elements = tensors.reduce(0) { $0 + $1.elementCount }
    let bytes = tensors.reduce(0) { $0 + $1.byteCount }
    return elements == 0 ? 0 : 8 * Double(bytes) / Double(elements)
  }

  /// Plans a conversion to GGUF.
  ///
  /// - Parameters:
  ///   - checkpoint: an opened folder.
  ///   - recipe: which format each tensor gets.
  ///   - importance: the imatrix to weight errors with.
  ///   - calibration: the statistics for `gptq`.
  ///   - outputName: file name without `.gguf`, for the names of the parts.
  /// - Throws: `ConversionError` naming file, tensor and field of whatever cannot be converted.
  public static func gguf(
    _ checkpoint: Checkpoint, recipe: Recipe, options: ConversionOptions,
    importance: Importance? = nil, calibration: Calibration? = nil, outputName: String
  ) throws(ConversionError) -> ConversionPlan {
    try GGUFPlanner(
      checkpoint, recipe: recipe, options: options, importance: importance,
      calibration: calibration, outputName: outputName
    ).plan()
  }
}

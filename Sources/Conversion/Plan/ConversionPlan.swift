import QuernCheckpoints
import QuernContainers
import QuernQuantization

/// A conversion, decided: every output tensor, the headers, the files and their sizes. Nothing after
/// the plan decides anything.
public struct ConversionPlan: Sendable {
  /// Changes with every change of what a plan decides.
  package static let version = 2

  public let target: ConversionTarget
  /// Name of the folder to make, or of the main file without `.gguf`.
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

  /// Where a part of a tensor is: a file of the plan, and a place in it.
  package struct PartPlace: Equatable, Sendable {
    package let file: Int
    package let offset: Int
  }

  /// For every tensor the places of its parts, in their order. Those of one home are in one file.
  package let places: [[PartPlace]]

  private static func places(_ tensors: [PlannedTensor], _ files: [PlannedFile]) -> [[PartPlace]] {
    var places = tensors.map { [PartPlace?](repeating: nil, count: $0.parts.count) }
    for (index, file) in files.enumerated() {
      for (tensor, offsets) in zip(file.tensors, file.offsets) {
        let parts = tensors[tensor].parts.indices.filter {
          tensors[tensor].parts[$0].home == file.home
        }
        for (part, offset) in zip(parts, offsets) {
          places[tensor][part] = PartPlace(file: index, offset: offset)
        }
      }
    }
    return places.map { $0.compactMap { $0 } }
  }

  /// True where draft stages are part of it.
  public var keepsDraft: Bool {
    options.draft == .keep && tensors.contains { $0.name.hasPrefix("mtp.") }
  }

  /// Bytes of all output files.
  public var outputByteCount: Int { files.reduce(0) { $0 + $1.byteCount } }

  /// Bytes of all tensors that a runtime loads: what is relaid beside them left out.
  public var weightByteCount: Int {
    tensors.reduce(0) { sum, tensor in
      tensor.parts.reduce(sum) { $1.home == .weights ? $0 + $1.byteCount : $0 }
    }
  }

  /// Stored bits per weight of the output, headers left out.
  public var bitsPerWeight: Double {
    let elements = tensors.reduce(0) { $0 + $1.elementCount }
    let bytes = tensors.reduce(0) { $0 + $1.byteCount }
    return elements == 0 ? 0 : 8 * Double(bytes) / Double(elements)
  }

  /// Plans a conversion.
  ///
  /// - Parameters:
  ///   - target: what to make.
  ///   - checkpoint: an opened folder.
  ///   - recipe: which format each tensor gets; it must be one for the target.
  ///   - importance: the imatrix to weight errors with.
  ///   - calibration: the statistics for `gptq` and for fixed quantization of inputs.
  ///   - outputName: name of the folder, or of the file without `.gguf`, for the names of the parts.
  /// - Throws: `ConversionError` naming file, tensor and field of whatever cannot be converted.
  public init(
    _ target: ConversionTarget, of checkpoint: Checkpoint, recipe: Recipe,
    options: ConversionOptions, importance: Importance? = nil, calibration: Calibration? = nil,
    outputName: String
  ) throws(ConversionError) {
    let request = PlanRequest(
      target, of: checkpoint, recipe: recipe, options: options, importance: importance,
      calibration: calibration, outputName: outputName)
    switch target {
    case .gguf where options.rotates:
      throw .data(
        InputProblem(
          file: checkpoint.folder, found: "--rotate for GGUF",
          expected: "--to ascend or --to compressed-tensors"))
    case .gguf: self = try GGUFPlanner(request).plan()
    case .ascend, .compressedTensors: self = try RuntimePlanner(request).plan()
    }
  }

  /// A plan of all that was decided.
  init(
    _ request: PlanRequest, recipe: Recipe, importance: Importance?, architecture: String,
    tensors: [PlannedTensor], files: [PlannedFile], dropped: [TensorMap.Dropped],
    warnings: [String], sourceHeaderHashes: [String]
  ) {
    target = request.target
    outputName = request.outputName
    self.recipe = recipe
    options = request.options
    checkpoint = request.checkpoint
    self.importance = importance
    calibration = request.calibration
    self.architecture = architecture
    self.tensors = tensors
    self.files = files
    places = Self.places(tensors, files)
    self.dropped = dropped
    self.warnings = warnings
    self.sourceHeaderHashes = sourceHeaderHashes
    hash = PlanHash.hash(
      target: request.target, options: request.options, importance: importance,
      calibration: request.calibration, checkpoint: request.checkpoint,
      sourceHeaderHashes: sourceHeaderHashes, tensors: tensors, files: files)
  }
}

import QuernCheckpoints
import QuernContainers
import QuernQuantization

/// The key-values of a GGUF file, in llama.cpp's order: general, architecture, tokenizer.
struct GGUFMetadata {
  let checkpoint: Checkpoint
  let parameters: ModelParameters
  let options: ConversionOptions
  let isDraft: Bool

  /// What llama.cpp's loaders call the second generation of block formats.
  private static let quantizationVersion: UInt32 = 2

  func keyValues(for tensors: [PlannedTensor]) throws(ConversionError) -> (
    [GGUFKeyValue], warnings: [String]
  ) {
    let (naming, tokenizer) = try folderMetadata(tensors)
    var result: [GGUFKeyValue] = [
      .init("general.architecture", .text(parameters.table.architecture)),
      .init("general.type", .text("model")),
    ]
    result += naming.keyValues
    do throws(InputProblem) {
      result += try ArchitectureKeys(
        parameters: parameters, isDraft: isDraft, fileType: Self.fileType(of: tensors),
        file: checkpoint.config?.path ?? checkpoint.folder
      ).keyValues()
    } catch { throw .data(error) }
    result.append(.init("general.quantization_version", .uint32(Self.quantizationVersion)))
    return (result + tokenizer.keyValues, naming.warnings + tokenizer.warnings)
  }

  private func folderMetadata(_ tensors: [PlannedTensor]) throws(ConversionError) -> (
    naming: TokenizerResult, tokenizer: TokenizerResult
  ) {
    let config = checkpoint.config?.json ?? JSONObject()
    var count = ParameterCount()
    for tensor in tensors where tensor.role != .weightScale {
      count.add(
        elementCount: tensor.elementCount,
        experts: tensor.role == .routedExpert ? tensor.shape.dimensions.first : nil)
    }
    let files: TokenizerFiles
    let readme: [UInt8]?
    do throws(CheckpointError) {
      (files, readme) = try FolderTexts.read(checkpoint.folder)
    } catch { throw .checkpoint(error) }
    let naming = ModelNaming.keyValues(
      folderName: options.origin?.folderName ?? "model",
      repositoryID: options.origin?.repositoryID, modelName: options.modelName,
      config: config, readme: readme, generationConfig: files.generationConfig, parameters: count)
    do throws(TokenizerError) {
      let tokenizer = try TokenizerMetadata.keyValues(
        files: files, architecture: parameters.table.architecture,
        vocabularySize: parameters.bindings.integers["vocabulary"] ?? 0,
        writesVocabularySize: !parameters.table.metadata.contains { $0.key == "{arch}.vocab_size" },
        config: config, chatTemplate: options.chatTemplate, preTokenizer: options.preTokenizer)
      return (naming, tokenizer)
    } catch { throw .tokenizer(error) }
  }

  /// `general.file_type`: the format of most weights, and of the mixes of llama.cpp the larger one
  /// where a layer has matrices of six bits.
  static func fileType(of tensors: [PlannedTensor]) -> UInt32 {
    var elements: [NumberFormat: Int] = [:]
    for tensor in tensors where tensor.shape.rank > 1 {
      guard let format = tensor.storage.numberFormat else { continue }
      elements[format, default: 0] += tensor.elementCount
    }
    // Where two formats hold equally many, the one with fewer bits names the file.
    let most = elements.max {
      ($0.value, -$0.key.bitsPerElement) < ($1.value, -$1.key.bitsPerElement)
    }
    let isLargeMix = tensors.contains {
      $0.storage == .numbers(.q6_k) && layerNumber(ofTensor: $0.name) != nil
    }
    switch most?.key {
    case .q4_k where !isLargeMix: return 14
    case .q5_k where !isLargeMix: return 16
    case .f16: return 1
    case .q4_0: return 2
    case .q4_1: return 3
    case .q8_0: return 7
    case .q5_0: return 8
    case .q5_1: return 9
    case .q4_k: return 15
    case .q5_k: return 17
    case .q6_k: return 18
    case .iq4_nl: return 25
    case .iq4_xs: return 30
    case .bf16: return 32
    case .mxfp4: return 38
    case .nvfp4: return 39
    case .f32, .i32, nil: return 0
    }
  }
}

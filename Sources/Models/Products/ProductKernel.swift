import QuernCheckpoints
import QuernContainers
import QuernKernels
import QuernQuantization
import QuernTensors

/// What multiplies a weight.
///
/// In integer mode that follows from how the weight is stored:
///
/// | stored | activations | product |
/// |---|---|---|
/// | blocks, F16, BF16 of a GGUF file | rounded to the partner type | `BlockProducts` |
/// | integers of a folder | as its runtime quantizes them, from BF16 | `IntegerInputs`, rounded to BF16 |
/// | BF16, FP8, FP4 of such a folder | BF16 | float32 sums, rounded to BF16 |
/// | F16 of such a folder | F16 | float32 sums, rounded to F16 |
/// | F32 | float32 | float32 sums |
///
/// Integers whose columns are not those of one source (transposed halves of `kv_b`, columns of several
/// tensors behind each other) have no integer product with these activations: runtimes decode them, and
/// so they are multiplied as BF16 is. Permuted rows and the experts of a stack keep their columns.
enum ProductKernel: Equatable, Sendable {
  case decoded
  case halves(HalfType)
  case blocks(NumberFormat)
  case integers(Quantized)

  /// What integers are multiplied with.
  enum Quantized: Equatable, Sendable {
    case dynamic(IntegerGroupLayout.CodeBits)
    case fixed(scale: Float, offset: Int)
    case floats
  }
}

extension ProductKernel {
  /// - Throws: `ModelError` where a runtime's activations have no product here, or their scale cannot
  ///   be read.
  init(_ weight: Weight, part: Int, _ weights: ModelWeights) throws(ModelError) {
    let chunk = weight.source(part: part, rows: 0..<0)
    guard let source = chunk.segments.first?.tensor else {
      self = .decoded
      return
    }
    switch source.encoding {
    case .plain(.f32): self = .decoded
    case .plain(let type) where weights.checkpoint.dialect == .gguf:
      self = .blocks(type.numberFormat)
    case .plain(.f16): self = .halves(.f16)
    case .blocks(let format): self = .blocks(format)
    case .integers(let storage, _) where chunk.segments.count == 1 && chunk.firstColumn == nil:
      self = .integers(try Self.activations(source, storage, weights))
    case .plain, .fp8, .fp4, .integers: self = .halves(.bf16)
    }
  }

  private static func activations(
    _ source: SourceTensor, _ storage: IntegerStorage, _ weights: ModelWeights
  ) throws(ModelError) -> Quantized {
    switch source.activations {
    case .floats: return .floats
    case .dynamic where storage.groupElements != nil:
      throw unknown(source, "integer activations with scales for groups of weights", weights)
    case .dynamic(let bits): return .dynamic(bits)
    case .other(let what): throw unknown(source, what, weights)
    case .fixed:
      guard let scale = source.scaleDivisor else { return .floats }
      let offset = source.companion("input_offset")
      return .fixed(
        scale: try weights.number(scale),
        offset: try offset.map { (offset) throws(ModelError) in
          try Self.offset(try weights.number(offset), source, weights)
        } ?? 0)
    }
  }

  private static func offset(_ value: Float, _ source: SourceTensor, _ weights: ModelWeights)
    throws(ModelError) -> Int
  {
    guard let offset = Int(exactly: value), (-128...127).contains(offset) else {
      throw unknown(source, "activations with an offset of \(value)", weights)
    }
    return offset
  }

  private static func unknown(_ source: SourceTensor, _ what: String, _ weights: ModelWeights)
    -> ModelError
  {
    .data(
      InputProblem(
        file: weights.checkpoint.folder, tensor: source.name.text, found: what,
        expected: "weights alone in integers, or activations of 8 bits by token",
        hint: "without --integer its weights can be run as decoded"))
  }
}

import QuernCheckpoints
import QuernContainers
import QuernQuantization
import QuernTensors

/// The weights of a model by their names in GGUF, read from the files when they are asked for.
package final class ModelWeights: Sendable {
  package let model: CanonicalModel
  package let numbers: ModelNumbers
  /// Whether names are those of the draft model.
  package let isDraft: Bool
  let pool: FilePool

  /// What holds the tensors.
  package var checkpoint: Checkpoint { isDraft ? model.draftCheckpoint : model.checkpoint }

  package init(_ model: CanonicalModel) {
    self.model = model
    numbers = ModelNumbers(model)
    isDraft = false
    pool = FilePool()
  }

  private init(draftOf weights: ModelWeights) {
    model = weights.model
    numbers = weights.numbers
    isDraft = true
    pool = weights.pool
  }

  /// The weights of the draft model.
  package var draft: ModelWeights { ModelWeights(draftOf: self) }

  package func has(_ name: String) -> Bool { model.tensor(name, isDraft: isDraft) != nil }

  /// - Throws: `ModelError.data` where the model lacks the tensor or it has another shape.
  package func weight(_ name: String, shape: [Int]? = nil) throws(ModelError) -> Weight {
    guard let tensor = model.tensor(name, isDraft: isDraft) else {
      throw .data(
        InputProblem(
          file: checkpoint.folder, tensor: name, found: "no such tensor",
          expected: "a tensor of \(model.architecture)"))
    }
    if let shape, tensor.shape != shape {
      throw .data(
        InputProblem(
          file: checkpoint.folder, tensor: name, field: "shape",
          found: "\(Shape(tensor.shape))", expected: "\(Shape(shape))"))
    }
    return Weight(tensor, in: checkpoint)
  }

  /// All values of a small tensor.
  ///
  /// - Throws: `ModelError` for a tensor that is missing, has another shape, cannot be read or holds a
  ///   value that is not finite.
  package func values(_ name: String, shape: [Int]) throws(ModelError) -> [Float] {
    let weight = try weight(name, shape: shape)
    let reader = WeightReader(self)
    var values: [Float] = []
    for part in 0..<weight.partCount {
      for first in stride(from: 0, to: weight.rowsPerPart, by: weight.sliceRows) {
        let rows = first..<min(first + weight.sliceRows, weight.rowsPerPart)
        try reader.withRows(of: weight, part: part, rows) { values += $0 }
      }
    }
    if let index = values.firstIndex(where: { !$0.isFinite }) {
      throw .data(
        InputProblem(
          file: checkpoint.folder, tensor: name, field: "value \(index)",
          found: "\(values[index])", expected: "a finite number"))
    }
    return values
  }

  /// The values of a tensor that may be absent.
  package func optionalValues(_ name: String, shape: [Int]) throws(ModelError) -> [Float]? {
    has(name) ? try values(name, shape: shape) : nil
  }
}

import QuernCheckpoints
import QuernContainers
import QuernKernels
import QuernQuantization

/// Products of activations with weights that are read, multiplied and dropped slice by slice.
package final class Products: Sendable {
  /// Sees the inputs of every product before it is made: the weight, which part of it, the rows.
  /// Called from one thread, in an order that follows from the model and its tokens alone.
  package typealias Observer =
    @Sendable (Weight, _ part: Int, Activations) throws(ModelError) -> Void

  package let weights: ModelWeights
  package let workers: Workers
  package let mode: ProductMode
  /// Which numbers attention keeps of tokens. DeepSeek-V4's always keeps float32.
  package let cache: CachePrecision
  private let observer: Observer?
  private let readers: WorkerReaders
  let kernels = RowKernels.best

  /// - Parameter cache: nil for what the target keeps in this mode: llama.cpp F16, all else float32.
  package init(
    _ weights: ModelWeights, mode: ProductMode = .decoded, cache: CachePrecision? = nil,
    workers: Workers, observer: Observer? = nil
  ) {
    self.weights = weights
    self.mode = mode
    let isLlama = mode == .integer && weights.checkpoint.dialect == .gguf
    self.cache = cache ?? (isLlama ? .f16 : .f32)
    self.workers = workers
    self.observer = observer
    readers = WorkerReaders(weights, workers)
  }

  /// x · Wᵀ: [rows, outputs].
  ///
  /// - Parameters:
  ///   - part: the expert of a stack.
  ///   - outputs: some of the weight's rows; nil for all.
  ///   - isObserved: false where the observer has seen these rows of x, for other outputs.
  /// - Throws: `ModelError` for a weight that is missing, has other inputs or cannot be read, and for
  ///   products that are not finite.
  package func multiply(
    _ x: Activations, _ name: String, part: Int = 0, outputs: Range<Int>? = nil,
    isObserved: Bool = true
  ) throws(ModelError) -> Activations {
    let weight = try weight(name, inputs: x.width)
    if isObserved { try observer?(weight, part, x) }
    let wanted = outputs ?? 0..<weight.rowsPerPart
    let out = Activations(rows: x.rowCount, width: wanted.count)
    let sliceRows = weight.sliceRows
    let slices = (wanted.count + sliceRows - 1) / sliceRows
    let kernel = try kernel(of: weight, part: part)
    let blocks = rowBlocks(x.rowCount, slices: slices)
    let inputs = try blocks.map { (rows) throws(ModelError) in
      try self.inputs(x, rows, for: kernel, of: weight)
    }
    try workers.run(slices * blocks.count) { [self] (worker, task) throws(ModelError) in
      let (slice, block) = task.quotientAndRemainder(dividingBy: blocks.count)
      let first = wanted.lowerBound + slice * sliceRows
      let rows = first..<min(first + sliceRows, wanted.upperBound)
      let columns = first - wanted.lowerBound..<rows.upperBound - wanted.lowerBound
      if block == 0 { count(weight, part: part, rows) }
      try multiply(
        inputs[block], kernel, weight, part: part, rows, readers[worker],
        into: ProductTarget(out: out, rows: blocks[block], columns: columns))
    }
    try checkFinite(out, weight, part: part)
    return out
  }

  /// x · Wᵀ by one worker: how experts are multiplied.
  func multiply(_ x: Activations, _ weight: Weight, part: Int, worker: Int) throws(ModelError)
    -> Activations
  {
    let out = Activations(rows: x.rowCount, width: weight.rowsPerPart)
    let kernel = try kernel(of: weight, part: part)
    let inputs = try inputs(x, 0..<x.rowCount, for: kernel, of: weight)
    for first in stride(from: 0, to: weight.rowsPerPart, by: weight.sliceRows) {
      let rows = first..<min(first + weight.sliceRows, weight.rowsPerPart)
      count(weight, part: part, rows)
      try multiply(
        inputs, kernel, weight, part: part, rows, readers[worker],
        into: ProductTarget(out: out, rows: 0..<x.rowCount, columns: rows))
    }
    try checkFinite(out, weight, part: part)
    return out
  }

  /// Counts rows as read, once however many blocks of activations they are read for.
  func count(_ weight: Weight, part: Int = 0, _ rows: Range<Int>) {
    workers.control.add(weight.byteCount(part: part, rows: rows))
  }

  private func kernel(of weight: Weight, part: Int) throws(ModelError) -> ProductKernel {
    switch mode {
    case .decoded: .decoded
    case .integer: try ProductKernel(weight, part: part, weights)
    }
  }

  private func inputs(
    _ x: Activations, _ rows: Range<Int>, for kernel: ProductKernel, of weight: Weight
  ) throws(ModelError) -> ProductInputs {
    do throws(KernelError) {
      return try ProductInputs(x, rows: rows, for: kernel)
    } catch { throw ModelError(error, multiplying: weight) }
  }

  func reader(_ worker: Int) -> WeightReader { readers[worker] }

  func observe(_ weight: Weight, part: Int, _ x: Activations) throws(ModelError) {
    try observer?(weight, part, x)
  }

  func weight(_ name: String, inputs: Int) throws(ModelError) -> Weight {
    let weight = try weights.weight(name)
    guard weight.columnCount == inputs else {
      throw .data(
        InputProblem(
          file: weight.checkpoint.folder, tensor: name, field: "shape",
          found: "rows of \(weight.columnCount)", expected: "rows of \(inputs)"))
    }
    return weight
  }

  /// Few slices leave threads without work: then rows are divided as well.
  private func rowBlocks(_ rowCount: Int, slices: Int) -> [Range<Int>] {
    let wanted = slices >= 2 * workers.count ? 1 : 2 * workers.count
    let size = max(64, (rowCount + wanted - 1) / wanted)
    return stride(from: 0, to: rowCount, by: size).map { $0..<min($0 + size, rowCount) }
  }

  private func checkFinite(_ out: Activations, _ weight: Weight, part: Int) throws(ModelError) {
    guard let index = kernels.firstNonFinite(UnsafeBufferPointer(out.values)) else { return }
    let expert = weight.partCount > 1 ? ", expert \(part)" : ""
    throw .data(
      InputProblem(
        file: weight.checkpoint.folder, tensor: weight.name,
        field: "token \(index / out.width), output \(index % out.width)\(expert)",
        found: "\(out.values[index])",
        expected: "a finite product: the first that is none in the forward pass"))
  }
}

/// A reader for each worker, which alone uses it.
private final class WorkerReaders: @unchecked Sendable {
  private let readers: [WeightReader]

  init(_ weights: ModelWeights, _ workers: Workers) {
    readers = (0..<workers.count).map { _ in WeightReader(weights) }
  }

  subscript(worker: Int) -> WeightReader { readers[worker] }
}

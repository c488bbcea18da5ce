import QuernCertificates
import QuernCheckpoints
import QuernContainers
import QuernQuantization

/// The errors of some rows of a plan's tensors: enough to compare two plans of one checkpoint by.
enum SampledErrors {
  /// Rows of a tensor, by its position in the plan.
  struct Sample {
    let tensor: Int
    let rows: Range<Int>
  }

  /// Runs of 32 rows that are measured of each group of tensors.
  private static let runCount = 4

  /// Runs of rows in tensors at equal distances, each at another place of its tensor.
  static func sample(_ group: [Int], of plan: ConversionPlan) -> [Sample] {
    (0..<runCount).map { run in
      let tensor = group[(2 * run + 1) * group.count / (2 * runCount)]
      let rowCount = plan.tensors[tensor].shape.rowCount
      let block = min(RowKernels.rotationBlock, rowCount)
      let first = (2 * run + 1) * (rowCount / block) / (2 * runCount) * block
      return Sample(tensor: tensor, rows: first..<first + block)
    }
  }

  /// The sums of each group's samples.
  ///
  /// - Throws: `ConversionError` where a source cannot be read or is not finite.
  static func sums(_ groups: [[Sample]], of plan: ConversionPlan) throws(ConversionError)
    -> [ErrorSums]
  {
    let tensors = groups.map { $0.map { plan.tensors[$0.tensor].rows($0.rows) } }
    let worker = ChunkWorker(
      plan, kernels: .best, pool: FilePool(), outputs: [], factors: FactorCache(plan),
      sizes: WorkerBuffers.Sizes(tensors.flatMap { $0 }, checkpoint: plan.checkpoint))
    return try tensors.map { group throws(ConversionError) in
      try ErrorSums.sum(
        ofChunks: group.map { tensor throws(ConversionError) in
          try worker.measure(tensor).sums
        })
    }
  }
}

extension PlannedTensor {
  /// Some rows of a tensor that has a source of its own, as one chunk.
  fileprivate func rows(_ rows: Range<Int>) -> PlannedTensor {
    var tensor = self
    tensor.grid = ChunkGrid(parts: 1, rowsPerPart: rows.count, chunkRows: rows.count)
    if case .copy(let source) = expression {
      tensor.expression = .copy(
        SourceRows(
          tensor: source.tensor, firstRow: source.firstRow + rows.lowerBound,
          rowCount: rows.count))
    }
    return tensor
  }
}

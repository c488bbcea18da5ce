import QuernCheckpoints
import QuernContainers

/// What a calibration can collect of a model, and how many bytes it takes, before anything runs.
package struct CalibrationPlan: Sendable {
  package let modelName: String
  package let options: CalibrationOptions
  /// Every weight that a product may read, in the order of their names' bytes.
  package let weights: [CalibratedWeight]
  private let byName: [String: Int]

  package init(_ run: ModelRun, options: CalibrationOptions) {
    let model = run.weights.model
    let layerCount = run.pass.layerCount
    let weights = model.tensors.compactMap {
      CalibratedWeight(
        $0, in: model, layerCount: layerCount, includesOutput: options.includesOutput)
    }
    self.weights = weights
    byName = Dictionary(uniqueKeysWithValues: zip(weights.map(\.name), weights.indices))
    self.options = options
    let path = (try? FileSystem.canonicalPath(model.checkpoint.folder)) ?? model.checkpoint.folder
    modelName = path.split(separator: "/").last.map(String.init) ?? "model"
  }

  package func weight(_ name: String) -> CalibratedWeight? { byName[name].map { weights[$0] } }

  package var writesImatrix: Bool { options.kinds.contains(.imatrix) }
  package var writesStatistics: Bool {
    options.kinds.contains(.ranges) || options.kinds.contains(.hessians)
  }

  func hasHessian(_ weight: CalibratedWeight) -> Bool {
    options.kinds.contains(.hessians) && weight.wantsHessian
  }

  /// Rows that a part must have seen for Σ x xᵀ of its own. Of fewer rows than a block has columns the
  /// sums are singular: rounding by them fits the text and nothing else.
  func leastRows(_ weight: CalibratedWeight) -> Int {
    guard weight.isExperts, !weight.poolsParts else { return 0 }
    return max(options.minimumTokens, min(options.hessianBlock, weight.inputCount))
  }

  /// Bytes of the imatrix at most.
  package var imatrixByteCount: Int {
    guard writesImatrix else { return 0 }
    return weights.reduce(4096) {
      $0 + 4 * $1.partCount * ($1.inputCount + 1) + 4 * ($1.name.utf8.count + 96)
    }
  }

  /// Bytes of the other statistics at most.
  package var statisticsByteCount: Int {
    guard writesStatistics else { return 0 }
    return weights.reduce(headerByteCount) { sum, weight in
      sum + (weight.owner == nil ? byteCount(of: weight) : 0)
    }
  }

  /// Bytes that are on the disk at once at most: sums of squares wait in a file of their own until all
  /// are known.
  package var diskByteCount: Int { 2 * imatrixByteCount + statisticsByteCount }

  private func byteCount(of weight: CalibratedWeight) -> Int {
    var perPart = 8
    if options.kinds.contains(.ranges) { perPart += 8 * weight.inputCount }
    if hasHessian(weight) {
      perPart += weight.hessianWidths(options.hessianBlock).reduce(0) { $0 + 4 * $1 * $1 }
    }
    return weight.statisticsCount * perPart + 8
  }

  /// Room for the header of the statistics.
  var headerByteCount: Int {
    var names: [String] = []
    var sharing: [(key: String, value: String)] = []
    for weight in weights {
      if let owner = weight.owner {
        sharing.append((CalibrationNames.sharing(weight.name), owner))
        continue
      }
      names += [
        CalibrationNames.count(weight.name), CalibrationNames.range(weight.name),
        CalibrationNames.maxima(weight.name), CalibrationNames.means(weight.name),
      ]
      guard hasHessian(weight) else { continue }
      names += weight.hessianWidths(options.hessianBlock).indices.map {
        CalibrationNames.hessian(weight.name, block: $0)
      }
    }
    return SafetensorsStream.headerByteCount(
      tensorNames: names, metadata: sharing + metadata(tokenCount: .max))
  }

  func metadata(tokenCount: Int) -> [(key: String, value: String)] {
    [
      ("format", CalibrationFile.formatName), ("version", "\(CalibrationFile.formatVersion)"),
      ("model", modelName), ("tokens", "\(tokenCount)"),
      ("least tokens of an expert", "\(options.minimumTokens)"),
    ]
  }
}

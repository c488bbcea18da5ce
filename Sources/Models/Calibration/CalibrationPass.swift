/// The layers one after the other, each with what it saw written before the next begins.
struct CalibrationPass {
  private let run: ModelRun
  private let plan: CalibrationPlan
  private let products: Products
  private let collector: CalibrationCollector
  private let statistics: StatisticsWriter?
  private(set) var imatrix: ImatrixWriter?
  private(set) var result = CalibrationResult()

  init(
    _ run: ModelRun, _ plan: CalibrationPlan, statistics: StatisticsWriter?,
    imatrix: ImatrixWriter?
  ) {
    (self.run, self.plan) = (run, plan)
    (self.statistics, self.imatrix) = (statistics, imatrix)
    let collector = CalibrationCollector(plan, workers: run.products.workers) {
      (weight, part, products) throws(ModelError) in
      try statistics?.write(weight, part: part, products)
    }
    self.collector = collector
    products = Products(
      run.weights, cache: run.products.cache, workers: run.products.workers
    ) {
      (weight, part, x) throws(ModelError) in
      try collector.observe(weight.name, part: part, x)
    }
  }

  mutating func collect(_ batch: TokenBatch) throws(ModelError) {
    let stream = try run.pass.embed(batch, products)
    for layer in 0..<run.pass.layerCount {
      if run.products.workers.control.isInterrupted { throw .interrupted }
      _ = try run.pass.run(layer: layer, stream, batch, products)
      try write(layer: "\(layer)")
    }
    guard plan.options.includesOutput else { return }
    let finished = try run.pass.finish(stream, products)
    try collector.observe(run.pass.outputName, part: 0, finished)
    try write(layer: "output")
  }

  private mutating func write(layer: String) throws(ModelError) {
    for entry in try collector.take() {
      result.weightCount += 1
      try imatrix?.add(entry.sums)
      try statistics?.write(entry)
      let weight = entry.sums.weight
      if weight.isExperts { note(entry.sums, layer: layer) }
    }
  }

  /// The hidden states of experts come before their hidden neurons.
  private mutating func note(_ sums: InputSums, layer: String) {
    if sums.weight.poolsParts {
      guard sums.weight.owner == nil else { return }
      result.expertLayers.append(.init(layer: layer, counts: sums.counts))
    } else if plan.hasHessian(sums.weight), result.expertLayers.last?.layer == layer {
      let least = plan.leastRows(sums.weight)
      result.expertLayers[result.expertLayers.count - 1].withoutMatrices =
        sums.counts.count { $0 < least }
    }
  }
}

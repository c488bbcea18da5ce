import QuernContainers
import Synchronization

/// Adds up the inputs of weights while a layer runs. What a layer has seen is taken away behind it.
package final class CalibrationCollector: Sendable {
  /// Of one weight of the layer.
  final class Entry: Sendable {
    let sums: InputSums
    /// Of a weight with one statistic; those of experts are on the disk already.
    let products: InputProducts?

    init(sums: InputSums, products: InputProducts?) {
      (self.sums, self.products) = (sums, products)
    }
  }

  private struct Layer {
    /// In the order in which they were first seen.
    var entries: [Entry] = []
    var places: [String: Int] = [:]
    /// The expert whose products are being added.
    var part: (weight: CalibratedWeight, index: Int, products: InputProducts)?
    /// Parts whose products are finished.
    var finished: Set<String> = []
  }

  /// Takes Σ x xᵀ of one part of a stack, of which no more will come.
  typealias PartSink =
    @Sendable (CalibratedWeight, _ part: Int, InputProducts) throws(ModelError) -> Void

  private let plan: CalibrationPlan
  private let workers: Workers
  private let sink: PartSink
  private let layer = Mutex(Layer())

  init(_ plan: CalibrationPlan, workers: Workers, sink: @escaping PartSink) {
    self.plan = plan
    self.workers = workers
    self.sink = sink
  }

  /// What `Products` calls.
  func observe(_ name: String, part: Int, _ x: Activations) throws(ModelError) {
    guard let weight = plan.weight(name), x.rowCount > 0 else { return }
    precondition(weight.inputCount == x.width)
    try layer.withLock { (layer) throws(ModelError) in
      let entry = entry(weight, &layer)
      try entry.sums.add(x, part: part, workers)
      guard plan.hasHessian(weight), weight.owner == nil else { return }
      if let products = entry.products {
        try products.add(x, workers)
      } else {
        try products(of: weight, part: part, &layer).add(x, workers)
      }
    }
  }

  private func entry(_ weight: CalibratedWeight, _ layer: inout Layer) -> Entry {
    if let place = layer.places[weight.name] { return layer.entries[place] }
    let isWhole =
      plan.hasHessian(weight) && weight.owner == nil && weight.statisticsCount == 1
    let entry = Entry(
      sums: InputSums(weight), products: isWhole ? newProducts(weight) : nil)
    layer.places[weight.name] = layer.entries.count
    layer.entries.append(entry)
    return entry
  }

  private func newProducts(_ weight: CalibratedWeight) -> InputProducts {
    InputProducts(widths: weight.hessianWidths(plan.options.hessianBlock))
  }

  /// Parts come one after the other, so that the products of one alone are in memory.
  private func products(of weight: CalibratedWeight, part: Int, _ layer: inout Layer)
    throws(ModelError) -> InputProducts
  {
    if let open = layer.part, open.weight.name == weight.name, open.index == part {
      return open.products
    }
    try finishPart(&layer)
    precondition(!layer.finished.contains("\(weight.name) \(part)"), "a part came back")
    let products = newProducts(weight)
    layer.part = (weight, part, products)
    return products
  }

  private func finishPart(_ layer: inout Layer) throws(ModelError) {
    guard let open = layer.part else { return }
    layer.finished.insert("\(open.weight.name) \(open.index)")
    layer.part = nil
    try sink(open.weight, open.index, open.products)
  }

  /// What was seen since the last call, in the order in which it came.
  ///
  /// - Throws: `ModelError` where a weight had other inputs than the one whose it shares.
  func take() throws(ModelError) -> [Entry] {
    try layer.withLock { (layer) throws(ModelError) in
      try finishPart(&layer)
      for entry in layer.entries {
        guard let owner = entry.sums.weight.owner else { continue }
        let shared = layer.places[owner].map { layer.entries[$0].sums }
        guard let shared, shared.isEqual(to: entry.sums) else {
          throw .data(
            InputProblem(
              file: plan.modelName, tensor: entry.sums.weight.name, field: "inputs",
              found: "other inputs than those of \(owner)", expected: "the same"))
        }
      }
      let entries = layer.entries
      layer = Layer()
      return entries
    }
  }
}

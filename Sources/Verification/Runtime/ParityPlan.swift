import QuernCheckpoints
import QuernContainers
import QuernConversion
import QuernKernels
import QuernQuantization
import QuernTensors

/// Which weights are multiplied with, and how far their products may be off.
///
/// All weights of every layer but the routed experts, of which four of each layer stand for all. The
/// first weight of each type and shape is read from FRACTAL_NZ as well, and split over ranks.
struct ParityPlan {
  private static let expertsPerLayer = 4
  private static let rankCounts = [2, 4, 16]

  private let modules: [String: RuntimeModule]
  private let activations: ActivationFile?
  private var randomInputs: [Int: ParityInputs] = [:]
  private var seen: Set<[Int]> = []
  private(set) var notes: [String] = []

  init(_ expectation: RuntimeExpectation, activationsPath: String?) throws(VerificationError) {
    var modules: [String: RuntimeModule] = [:]
    for tensor in expectation.tensors { modules[tensor.name] = tensor.module }
    self.modules = modules
    guard let activationsPath else {
      activations = nil
      return
    }
    let file = try ActivationFile(path: activationsPath)
    activations = file
    let unknown = file.names.filter { modules[$0] == nil }
    if let first = unknown.first {
      notes.append(
        "\(unknown.count) tensors of activations are of no weight, \(first.escapedForDisplay) one of them"
      )
    }
  }

  /// Gives tensors their products.
  ///
  /// - Parameter types: by what reports call the tensors' types.
  mutating func assign(_ tensors: inout [CheckedTensor], types: [String])
    throws(VerificationError)
  {
    let chosen = chosenExperts(tensors.map(\.name))
    for index in tensors.indices {
      let tensor = tensors[index]
      guard case .integers(let storage) = tensor.storage, tensor.expression != nil,
        let module = modules[tensor.name],
        module.kind != .expert || chosen.contains(Self.expert(tensor.name))
      else { continue }
      tensors[index].parity = try task(tensor, storage, module, type: types[index])
    }
  }

  private mutating func task(
    _ tensor: CheckedTensor, _ storage: IntegerStorage, _ module: RuntimeModule, type: String
  ) throws(VerificationError) -> ParityTask? {
    guard let inputs = try inputs(tensor),
      var task = try? ParityTask(Self.kernel(tensor, storage, type), inputs)
    else {
      notes.append("\(tensor.name): its kernel takes no inputs of \(tensor.rowLength)")
      return nil
    }
    let key = [
      storage.bits.rawValue, storage.packing == .rowPairs ? 1 : 0, module.split == .columns ? 1 : 0,
      tensor.shape.rowCount, tensor.rowLength,
    ]
    if seen.insert(key).inserted {
      task.readsNZ = storage.packing != .words
      addSplits(&task, tensor, storage, module)
    }
    return task
  }

  private static func kernel(_ tensor: CheckedTensor, _ storage: IntegerStorage, _ type: String)
    -> ParityTask.Kernel
  {
    let hasProducts = tensor.parts.contains { $0.stored.content == .productScales }
    if hasProducts, let input = tensor.input {
      return .fixed(scale: input.scale, offset: input.offset)
    }
    let isFloat =
      storage.packing == .words || storage.groupElements != nil
      || type.uppercased() == AscendScheme.w8a16.rawValue
    return isFloat ? .floats : .dynamic
  }

  private mutating func inputs(_ tensor: CheckedTensor) throws(VerificationError) -> ParityInputs? {
    if let own = try activations?.inputs(of: tensor.name, width: tensor.rowLength) { return own }
    if let known = randomInputs[tensor.rowLength] { return known }
    let inputs = try? ParityInputs.random(width: tensor.rowLength)
    randomInputs[tensor.rowLength] = inputs
    return inputs
  }

  // MARK: Experts

  /// `layers.3.ffn.experts.7` of `layers.3.ffn.experts.7.w1.weight`.
  private static func expert(_ name: String) -> String {
    name.split(separator: ".").dropLast(2).joined(separator: ".")
  }

  /// Some experts of each layer, evenly apart, the first and the last among them.
  private func chosenExperts(_ names: [String]) -> Set<String> {
    var experts: [String: [String]] = [:]
    for name in names {
      guard let module = modules[name], module.kind == .expert else { continue }
      let (group, expert) = (module.fusedWith ?? "", Self.expert(name))
      if experts[group]?.last != expert { experts[group, default: []].append(expert) }
    }
    var chosen: Set<String> = []
    for members in experts.values {
      let count = min(Self.expertsPerLayer, members.count)
      for index in 0..<count {
        chosen.insert(members[index * (members.count - 1) / max(1, count - 1)])
      }
    }
    return chosen
  }

  // MARK: Ranks

  /// Ranks that the runtime can split a weight over: columns are multiplied apart, rows lie in whole
  /// runs and need no sum.
  private mutating func addSplits(
    _ task: inout ParityTask, _ tensor: CheckedTensor, _ storage: IntegerStorage,
    _ module: RuntimeModule
  ) {
    let isColumns = module.split == .columns
    let length = isColumns ? tensor.rowLength : tensor.shape.rowCount / storage.rowGranule
    for ranks in Self.rankCounts where module.split != .none {
      if length % ranks != 0 {
        notes.append(
          "\(tensor.name): its \(isColumns ? "columns" : "rows") cannot be split over \(ranks) ranks"
        )
      } else if isColumns, case .floats = task.kernel {
        continue
      } else if isColumns {
        task.splits.append(ranks)
      }
    }
  }
}

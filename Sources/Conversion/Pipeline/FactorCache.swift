import QuernContainers
import QuernQuantization
import QuernTensors
import Synchronization

/// The factored Hessian blocks of the tensors and experts that are being converted, shared by all
/// workers.
///
/// The two sets used last are kept, others for as long as a worker holds them: chunks come in the
/// plan's order, so that few are in use at once.
final class FactorCache: Sendable {
  /// Weights that share their inputs share a set.
  private struct Key: Hashable {
    let owner: TensorName
    let expert: Int
    let order: GPTQFactor.Order
  }

  private final class Slot: Sendable {
    let factors = Mutex<[GPTQFactor]?>(nil)
  }

  private static let keptCount = 2

  private let plan: ConversionPlan
  /// The one used last comes last.
  private let slots = Mutex<[(key: Key, slot: Slot)]>([])

  init(_ plan: ConversionPlan) { self.plan = plan }

  /// The factors of the rows of one expert: of each Hessian block, nil where there are no statistics.
  func factors(_ tensor: PlannedTensor, expert: Int) throws(ConversionError)
    -> (factors: [GPTQFactor?], widths: [Int])
  {
    guard let calibration = plan.calibration, let order = tensor.calibration?.order else {
      return ([nil], [tensor.rowLength])
    }
    let (entry, file) = try calibration.statistics(of: tensor.name)
    // Experts may share the statistics of all of them.
    let expert = entry.counts.count == 1 ? 0 : expert
    guard entry.counts[expert] > 0 else {
      return (entry.widths.map { _ in nil }, entry.widths)
    }
    let slot = slot(Key(owner: entry.owner, expert: expert, order: order))
    let factors = try slot.factors.withLock {
      (stored: inout [GPTQFactor]?) throws(ConversionError) -> [GPTQFactor] in
      if let stored { return stored }
      let made = try Self.make(entry, file, expert: expert, order: order)
      stored = made
      return made
    }
    return (factors, entry.widths)
  }

  private func slot(_ key: Key) -> Slot {
    slots.withLock { slots in
      let slot: Slot
      if let index = slots.firstIndex(where: { $0.key == key }) {
        slot = slots.remove(at: index).slot
      } else {
        slot = Slot()
        if slots.count == Self.keptCount { slots.removeFirst() }
      }
      slots.append((key, slot))
      return slot
    }
  }

  private static func make(
    _ entry: CalibrationFile.Entry, _ file: CalibrationFile, expert: Int,
    order: GPTQFactor.Order
  ) throws(ConversionError) -> [GPTQFactor] {
    var factors: [GPTQFactor] = []
    for (block, width) in entry.widths.enumerated() {
      let matrix = UnsafeMutableBufferPointer<Float>.allocate(capacity: width * width)
      defer { matrix.deallocate() }
      do throws(CalibrationError) {
        try file.read(entry, block: block, expert: expert, into: matrix)
      } catch { throw ConversionError(error) }
      guard
        let factor = GPTQFactor(UnsafeBufferPointer(matrix), columnCount: width, order: order)
      else {
        throw .data(
          InputProblem(
            file: file.path, tensor: entry.owner.text + ".hessian.\(block)",
            field: entry.counts.count > 1 ? "expert \(expert)" : nil,
            found: "a matrix that is far from positive semidefinite",
            expected: "a sum of products x·xᵀ"))
      }
      factors.append(factor)
    }
    return factors
  }

  /// Bytes that a run on that many threads may hold in factors and in making them.
  static func byteCount(_ plan: ConversionPlan, threadCount: Int) -> Int {
    let widest = plan.tensors.filter { $0.calibration != nil }.map(\.rowLength).max() ?? 0
    guard widest > 0 else { return 0 }
    let width = CalibrationFile.maximumWidth
    let perSet = 8 * width * widest
    let making = 12 * width * width + GPTQWorkspace.byteCount
    return (threadCount + keptCount) * perSet + threadCount * making
  }
}

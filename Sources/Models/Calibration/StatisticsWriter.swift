import QuernContainers
import QuernTensors
import Synchronization

/// Writes ranges, maxima, means and Σ x xᵀ of each weight, layer after layer.
final class StatisticsWriter: Sendable {
  private struct State {
    let stream: SafetensorsStream
    /// Where the matrices of stacks go that are being written: of each block, all parts.
    var matrices: [String: [ByteRange]] = [:]
    var sharing: [(key: String, value: String)] = []
  }

  private let plan: CalibrationPlan
  private let state: Mutex<State>

  init(_ plan: CalibrationPlan, _ file: OutputFile) {
    self.plan = plan
    let byteCount = plan.headerByteCount
    state = Mutex(State(stream: SafetensorsStream(file, headerByteCount: byteCount)))
  }

  /// Writes the matrices of one part of a stack.
  func write(_ weight: CalibratedWeight, part: Int, _ products: InputProducts)
    throws(ModelError)
  {
    try state.withLock { (state) throws(ModelError) in
      let ranges = try matrices(of: weight, &state)
      guard products.rowCount >= plan.leastRows(weight) else { return }
      for block in products.widths.indices {
        let size = ranges[block].byteCount / weight.statisticsCount
        try write(
          products.rounded(block: block), at: ranges[block].offset + part * size, state.stream,
          CalibrationNames.hessian(weight.name, block: block))
      }
    }
  }

  /// Writes what a layer has seen of a weight.
  func write(_ entry: CalibrationCollector.Entry) throws(ModelError) {
    let weight = entry.sums.weight
    try state.withLock { (state) throws(ModelError) in
      if let owner = weight.owner {
        state.sharing.append((CalibrationNames.sharing(weight.name), owner))
        return
      }
      if let products = entry.products {
        let ranges = try matrices(of: weight, &state)
        for (block, range) in ranges.enumerated() {
          try write(
            products.rounded(block: block), at: range.offset, state.stream,
            CalibrationNames.hessian(weight.name, block: block))
        }
      }
      state.matrices[weight.name] = nil
      guard plan.options.kinds.contains(.ranges) || plan.hasHessian(weight) else { return }
      try writeNumbers(entry.sums, state.stream)
    }
  }

  private func writeNumbers(_ sums: InputSums, _ stream: SafetensorsStream) throws(ModelError) {
    let weight = sums.weight
    let counts = sums.statisticsCounts
    let name = CalibrationNames.count(weight.name)
    let place = try append(name, .i64, [counts.count], stream)
    let least = plan.hasHessian(weight) ? plan.leastRows(weight) : 0
    let kept = counts.map { $0 < least ? 0 : $0 }
    try write(
      kept.flatMap { withUnsafeBytes(of: Int64($0).littleEndian, Array.init) }, at: place.offset,
      stream)
    guard plan.options.kinds.contains(.ranges) else { return }
    let range = sums.range
    try append(CalibrationNames.range(weight.name), [range.low, range.high], [2], stream)
    let shape: Shape =
      counts.count > 1 ? [counts.count, weight.inputCount] : [weight.inputCount]
    try append(CalibrationNames.maxima(weight.name), sums.maxima, shape, stream)
    try append(CalibrationNames.means(weight.name), sums.means, shape, stream)
  }

  func finish(tokenCount: Int) throws(ModelError) {
    try state.withLock { (state) throws(ModelError) in
      let metadata = plan.metadata(tokenCount: tokenCount) + state.sharing
      do throws(SafetensorsError) {
        try state.stream.finish(metadata: metadata)
      } catch { throw ModelError(error) }
    }
  }

  // MARK: Bytes

  private func matrices(of weight: CalibratedWeight, _ state: inout State) throws(ModelError)
    -> [ByteRange]
  {
    if let ranges = state.matrices[weight.name] { return ranges }
    var ranges: [ByteRange] = []
    let count = weight.statisticsCount
    for (block, width) in weight.hessianWidths(plan.options.hessianBlock).enumerated() {
      ranges.append(
        try append(
          CalibrationNames.hessian(weight.name, block: block), .f32,
          Shape((count > 1 ? [count] : []) + [width, width]), state.stream))
    }
    state.matrices[weight.name] = ranges
    return ranges
  }

  private func append(
    _ name: String, _ type: ElementType, _ shape: Shape, _ stream: SafetensorsStream
  ) throws(ModelError) -> ByteRange {
    do throws(SafetensorsError) {
      return try stream.append(name, type, shape)
    } catch { throw ModelError(error) }
  }

  private func append(
    _ name: String, _ values: [Float], _ shape: Shape, _ stream: SafetensorsStream
  ) throws(ModelError) {
    let range = try append(name, .f32, shape, stream)
    try write(values, at: range.offset, stream, name)
  }

  private func write(
    _ values: [Float], at offset: Int, _ stream: SafetensorsStream, _ name: String
  ) throws(ModelError) {
    try values.checkFinite(name, file: stream.file.path)
    try write([UInt8](littleEndian: values), at: offset, stream)
  }

  private func write(_ bytes: [UInt8], at offset: Int, _ stream: SafetensorsStream)
    throws(ModelError)
  {
    do throws(FileError) { try stream.file.write(bytes, at: offset) } catch { throw .file(error) }
  }
}

extension ModelError {
  init(_ error: SafetensorsError) {
    switch error {
    case .unreadable(let error): self = .file(error)
    case .malformed(let problem): self = .data(problem)
    }
  }
}

extension [Float] {
  /// Sums of numbers that float32 has may be none.
  func checkFinite(_ name: String, file: String) throws(ModelError) {
    guard let index = firstIndex(where: { !$0.isFinite }) else { return }
    throw .data(
      InputProblem(
        file: file, tensor: name, field: "value \(index)", found: "\(self[index])",
        expected: "a sum that float32 holds"))
  }
}

extension [UInt8] {
  init(littleEndian values: [Float]) {
    self = []
    reserveCapacity(4 * values.count)
    for value in values {
      Swift.withUnsafeBytes(of: value.bitPattern.littleEndian) { append(contentsOf: $0) }
    }
  }
}

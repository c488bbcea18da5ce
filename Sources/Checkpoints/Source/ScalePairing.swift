import QuernContainers
import QuernTensors

/// Joins weights with their scales, which may live in other shards.
///
/// DeepSeek-V4 writes `X.scale` beside `X.weight`, the V3 family `X.weight_scale_inv` (a multiplier
/// in spite of its name). Which tensor is a scale follows from the type of its weight, never from the
/// name alone.
struct ScalePairing {
  private(set) var tensors: [SourceTensor] = []
  private(set) var problems: [InputProblem] = []

  private let files: [String]
  private let blockShape: (rows: Int, columns: Int)

  init(stored: [StoredTensor], files: [String], blockShape: (rows: Int, columns: Int)) {
    self.files = files
    self.blockShape = blockShape
    var byName: [TensorName: StoredTensor] = [:]
    for tensor in stored { byName[tensor.name] = tensor }
    for tensor in stored {
      if let weightName = Self.weightName(ofScale: tensor.name) {
        if let weight = byName[weightName], Self.needsScale(weight.elementType) {
          reportSecondScale(tensor, of: weight, in: byName)
          continue
        }
        if byName[weightName] == nil, Self.isSurelyScale(tensor) {
          report(tensor, found: "a scale", expected: "its weight \(weightName) beside it")
          continue
        }
      }
      if let joined = join(tensor, byName: byName) { tensors.append(joined) }
    }
  }

  private static let suffixes = [".scale", ".weight_scale_inv"]

  private static func weightName(ofScale name: TensorName) -> TensorName? {
    for suffix in suffixes where name.text.hasSuffix(suffix) {
      return TensorName(name.text.dropLast(suffix.count) + ".weight")
    }
    return nil
  }

  private static func needsScale(_ type: ElementType) -> Bool {
    [.f8e4m3, .f8e5m2, .i8, .u8, .f4].contains(type)
  }

  /// A hyper-connection's `scale` is a plain vector; a matrix or an E8M0 tensor is a scale of something.
  private static func isSurelyScale(_ tensor: StoredTensor) -> Bool {
    tensor.name.text.hasSuffix("_scale_inv") || tensor.elementType == .f8e8m0
      || tensor.shape.rank >= 2
  }

  private mutating func join(_ codes: StoredTensor, byName: [TensorName: StoredTensor])
    -> SourceTensor?
  {
    guard Self.needsScale(codes.elementType) else {
      return SourceTensor(
        name: codes.name, encoding: .plain(codes.elementType), shape: codes.shape, codes: codes,
        scale: nil)
    }
    guard codes.name.text.hasSuffix(".weight"), let scale = scale(of: codes, in: byName) else {
      report(
        codes, found: "\(codes.elementType.rawValue) without a scale",
        expected: "\(codes.name.text.replacingWeightSuffix(by: ".scale")) or "
          + codes.name.text.replacingWeightSuffix(by: ".weight_scale_inv"))
      return nil
    }
    switch codes.elementType {
    case .f8e4m3, .f8e5m2: return joinFP8(codes, scale)
    default: return joinFP4(codes, scale)
    }
  }

  private func scale(of codes: StoredTensor, in byName: [TensorName: StoredTensor]) -> StoredTensor?
  {
    for suffix in Self.suffixes {
      let name = TensorName(codes.name.text.replacingWeightSuffix(by: suffix))
      if let scale = byName[name] { return scale }
    }
    return nil
  }

  /// Of two scales, one would be left out in silence.
  private mutating func reportSecondScale(
    _ tensor: StoredTensor, of weight: StoredTensor, in byName: [TensorName: StoredTensor]
  ) {
    guard let used = scale(of: weight, in: byName), used.name != tensor.name else { return }
    report(
      tensor, found: "a second scale of \(weight.name)", expected: "one, and there is \(used.name)")
  }

  private mutating func joinFP8(_ codes: StoredTensor, _ scale: StoredTensor) -> SourceTensor? {
    guard codes.shape.rank == 2 else {
      report(codes, found: "FP8 of shape \(codes.shape)", expected: "a matrix")
      return nil
    }
    guard [.f8e8m0, .f32].contains(scale.elementType) else {
      report(scale, found: scale.elementType.rawValue, expected: "F8_E8M0 or F32")
      return nil
    }
    let expected = Shape([
      codes.shape.dimensions[0].dividedRoundingUp(by: blockShape.rows),
      codes.shape.dimensions[1].dividedRoundingUp(by: blockShape.columns),
    ])
    guard scale.shape == expected else {
      report(
        scale, found: "shape \(scale.shape)",
        expected:
          "\(expected): \(codes.shape) in blocks of \(blockShape.rows)x\(blockShape.columns)")
      return nil
    }
    return SourceTensor(
      name: codes.name,
      encoding: .fp8(
        codes.elementType, scale: scale.elementType, blockRows: blockShape.rows,
        blockColumns: blockShape.columns),
      shape: codes.shape, codes: codes, scale: scale)
  }

  private mutating func joinFP4(_ codes: StoredTensor, _ scale: StoredTensor) -> SourceTensor? {
    guard codes.shape.rank == 2 else {
      report(codes, found: "packed FP4 of shape \(codes.shape)", expected: "a matrix")
      return nil
    }
    let perElement = codes.elementType == .f4 ? 1 : 2
    let (columns, overflow) = codes.shape.dimensions[1].multipliedReportingOverflow(by: perElement)
    guard !overflow, columns % SourceEncoding.fp4Group == 0 else {
      report(
        codes, found: "rows of \(codes.shape.dimensions[1]) bytes", expected: "a multiple of 16")
      return nil
    }
    let shape = Shape([codes.shape.dimensions[0], columns])
    let expected = Shape([shape.dimensions[0], columns / SourceEncoding.fp4Group])
    guard scale.elementType == .f8e8m0, scale.shape == expected else {
      report(
        scale, found: "\(scale.elementType.rawValue) \(scale.shape)",
        expected: "F8_E8M0 \(expected): one scale per \(SourceEncoding.fp4Group) values")
      return nil
    }
    return SourceTensor(name: codes.name, encoding: .fp4, shape: shape, codes: codes, scale: scale)
  }

  private mutating func report(_ tensor: StoredTensor, found: String, expected: String) {
    problems.append(
      InputProblem(
        file: files[tensor.file], tensor: tensor.name, found: found, expected: expected))
  }
}

extension String {
  fileprivate func replacingWeightSuffix(by suffix: String) -> String {
    hasSuffix(".weight") ? dropLast(".weight".count) + suffix : self + suffix
  }
}

extension Int {
  /// The quotient rounded up; both are positive.
  package func dividedRoundingUp(by divisor: Int) -> Int {
    self / divisor + (self % divisor == 0 ? 0 : 1)
  }
}

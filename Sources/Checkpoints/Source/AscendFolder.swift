import QuernContainers
import QuernQuantization
import QuernTensors

/// Joins the weights of an ascend folder with what belongs to them, by the types of its description.
///
/// Names and shapes are those of msModelSlim's `ascendV1`: `formats/ascend/folder` lists them.
struct AscendFolder {
  private(set) var paired = PairedTensors()

  private let files: [String]
  private let description: AscendDescription
  private let byName: [TensorName: StoredTensor]
  /// What belongs to a weight, by its name.
  private var owner: [TensorName: TensorName] = [:]
  private var floats: [StoredTensor] = []

  /// - Parameter blockShape: rows and columns of an FP8 scale, where matrices are left in FP8.
  init(
    stored: [StoredTensor], files: [String], description: AscendDescription,
    blockShape: (rows: Int, columns: Int)
  ) {
    self.files = files
    self.description = description
    byName = Dictionary(stored.map { ($0.name, $0) }) { first, _ in first }
    paired.warnings = description.warnings
    for tensor in stored where Self.isWeight(tensor.name) { claimCompanions(of: tensor) }
    for tensor in stored { add(tensor) }
    pairFloats(blockShape: blockShape)
    reportMissing()
  }

  private static func isWeight(_ name: TensorName) -> Bool { name.text.hasSuffix(".weight") }

  private static func sibling(of weight: TensorName, _ suffix: String) -> TensorName {
    TensorName(weight.text.dropLast("weight".count) + suffix)
  }

  private func type(of tensor: StoredTensor) -> AscendType? {
    description.types[tensor.name].flatMap(AscendType.init)
  }

  private mutating func claimCompanions(of weight: StoredTensor) {
    guard let type = type(of: weight) else { return }
    for suffix in type.required + type.optional {
      owner[Self.sibling(of: weight.name, suffix)] = weight.name
    }
  }

  // MARK: Single tensors

  private mutating func add(_ tensor: StoredTensor) {
    guard let text = description.types[tensor.name] else {
      return reportDescription(
        tensor.name, found: "no such key", expected: "the type of every tensor")
    }
    guard let type = AscendType(rawValue: text) else {
      return reportDescription(
        tensor.name, found: "the type \"\(text)\"",
        expected: "FLOAT, W8A8, W8A8_DYNAMIC, W8A8_MIX, W8A16, W4A16, W4A8_DYNAMIC or W4A4_DYNAMIC")
    }
    if let weight = owner[tensor.name] {
      if let weightType = description.types[weight], weightType != text {
        reportDescription(
          tensor.name, found: "the type \"\(text)\"",
          expected: "\"\(weightType)\", the type of \(weight)")
      }
      return
    }
    if type == .float { return addFloat(tensor) }
    guard Self.isWeight(tensor.name) else {
      return report(
        tensor, found: "a tensor of type \(text) that belongs to no weight",
        expected: "a weight of the same type beside it")
    }
    addIntegers(tensor, type)
  }

  private mutating func addFloat(_ tensor: StoredTensor) {
    guard ![.i8, .u8, .f4].contains(tensor.elementType) else {
      return report(
        tensor, field: "dtype", found: tensor.elementType.rawValue,
        expected: "F32, F16 or BF16: its type is FLOAT")
    }
    floats.append(tensor)
  }

  /// What is not quantized may be as the lab released it: FP8 and its scales.
  private mutating func pairFloats(blockShape: (rows: Int, columns: Int)) {
    let pairing = ScalePairing(stored: floats, files: files, blockShape: blockShape)
    paired.tensors += pairing.tensors
    paired.problems += pairing.problems
  }

  // MARK: Integers

  private mutating func addIntegers(_ codes: StoredTensor, _ type: AscendType) {
    guard let shape = valueShape(codes, type) else { return }
    var companions: [String: StoredTensor] = [:]
    for suffix in type.required + type.optional {
      let name = Self.sibling(of: codes.name, suffix)
      if let tensor = byName[name] { companions[suffix] = tensor }
    }
    let missing = type.required.filter { companions[$0] == nil }
    for suffix in missing {
      report(
        codes, found: "\(type.rawValue) without \(Self.sibling(of: codes.name, suffix))",
        expected: "codes and scales")
    }
    guard missing.isEmpty, check(companions, rows: shape.dimensions[0], type),
      let source = join(codes, shape: shape, type: type, companions)
    else { return }
    paired.tensors.append(source)
  }

  /// Rows and columns of the values.
  private mutating func valueShape(_ codes: StoredTensor, _ type: AscendType) -> Shape? {
    guard codes.elementType == .i8 else {
      report(
        codes, field: "dtype", found: codes.elementType.rawValue,
        expected: "I8: its type is \(type.rawValue)")
      return nil
    }
    guard codes.shape.rank == 2 else {
      report(codes, field: "shape", found: "\(codes.shape)", expected: "a matrix")
      return nil
    }
    guard type == .w4a8Dynamic else { return codes.shape }
    // Checked: a shape without elements may have any rows.
    let (rows, overflow) = codes.shape.dimensions[0].multipliedReportingOverflow(by: 2)
    guard !overflow else {
      report(codes, field: "shape", found: "\(codes.shape)", expected: "rows that can be counted")
      return nil
    }
    return Shape([rows, codes.shape.dimensions[1]])
  }

  private mutating func join(
    _ codes: StoredTensor, shape: Shape, type: AscendType, _ companions: [String: StoredTensor]
  ) -> SourceTensor? {
    let scaleSuffix = type.required[0]
    guard let scale = companions[scaleSuffix] else { return nil }
    var rest = companions
    rest[scaleSuffix] = nil
    let divisor = type == .w8a8Static ? rest.removeValue(forKey: "input_scale") : nil
    let offset = rest.removeValue(forKey: "weight_offset")
    var storage = IntegerStorage(bits: .eight, scaleValues: .f32, packing: .bytes)
    switch type {
    case .w4a8Dynamic: (storage.bits, storage.packing) = (.four, .rowPairs)
    case .w4a4Dynamic, .w4a16: storage.bits = .four
    default: break
    }
    if type == .w8a16 || type == .w4a16 {
      guard let group = groupElements(scale, shape: shape) else { return nil }
      storage.groupElements = group == shape.dimensions[1] ? nil : group
    }
    return SourceTensor(
      name: codes.name, encoding: .integers(storage, scale: scale.elementType), shape: shape,
      codes: codes, scale: scale, scaleDivisor: divisor, offset: offset,
      companions: rest.values.sorted { $0.name < $1.name }, activations: type.activations)
  }

  /// Elements of a group: the whole row where it has one scale.
  private mutating func groupElements(_ scale: StoredTensor, shape: Shape) -> Int? {
    let (columns, groups) = (shape.dimensions[1], scale.shape.dimensions.last ?? 0)
    guard groups > 0, columns % groups == 0 else {
      report(
        scale, field: "shape", found: "\(scale.shape)",
        expected: "groups that divide the \(columns) columns evenly")
      return nil
    }
    return columns / groups
  }

  // MARK: Scales and their like

  private mutating func check(
    _ companions: [String: StoredTensor], rows: Int, _ type: AscendType
  ) -> Bool {
    var isGood = true
    for (suffix, tensor) in companions.sorted(by: { $0.key < $1.key }) {
      let allowed = Self.elementTypes(suffix)
      if !allowed.contains(tensor.elementType) {
        report(
          tensor, field: "dtype", found: tensor.elementType.rawValue,
          expected: allowed.map(\.rawValue).joined(separator: " or "))
        isGood = false
      }
      let expected = Self.shapes(suffix, rows: rows, type)
      if !expected.matches(tensor.shape) {
        report(
          tensor, field: "shape", found: "\(tensor.shape)", expected: expected.description)
        isGood = false
      }
    }
    return isGood
  }

  private static func elementTypes(_ suffix: String) -> [ElementType] {
    switch suffix {
    case "deq_scale": [.f32, .i64]
    case "quant_bias": [.i32]
    case "input_scale": [.f32]
    case "input_offset": [.f32, .i8]
    case "scale_bias": [.f32]
    default: [.f32, .bf16, .f16]
    }
  }

  /// Shapes that a companion may have.
  private struct Shapes {
    let alternatives: [[Int]]
    var description: String
    /// Any number of columns.
    var rowsOnly = false

    func matches(_ shape: Shape) -> Bool {
      if rowsOnly { return shape.rank == 2 && shape.dimensions[0] == alternatives[0][0] }
      return alternatives.contains(shape.dimensions)
    }
  }

  private static func shapes(_ suffix: String, rows: Int, _ type: AscendType) -> Shapes {
    switch suffix {
    case "input_scale", "input_offset": Shapes(alternatives: [[1]], description: "[1]")
    case "quant_bias", "deq_scale": Shapes(alternatives: [[rows]], description: "[\(rows)]")
    case "scale_bias":
      Shapes(
        alternatives: [[rows, 1], [rows, 16]], description: "[\(rows), 1] or [\(rows), 16]")
    case _ where type == .w8a16 || type == .w4a16:
      Shapes(
        alternatives: [[rows]], description: "[\(rows), groups]", rowsOnly: true)
    default: Shapes(alternatives: [[rows, 1]], description: "[\(rows), 1]")
    }
  }

  // MARK: What is wrong

  private mutating func reportMissing() {
    let missing = description.types.keys.filter { byName[$0] == nil }.sorted()
    for name in missing {
      reportDescription(
        name, found: "a type for a tensor that no file holds", expected: "its tensor")
    }
  }

  private mutating func reportDescription(_ name: TensorName, found: String, expected: String) {
    paired.problems.append(
      InputProblem(file: description.path, tensor: name, found: found, expected: expected))
  }

  private mutating func report(
    _ tensor: StoredTensor, field: String? = nil, found: String, expected: String
  ) {
    paired.problems.append(
      InputProblem(
        file: files[tensor.file], tensor: tensor.name, field: field, found: found,
        expected: expected))
  }
}

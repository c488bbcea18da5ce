import QuernCertificates
import QuernCheckpoints
import QuernContainers
import QuernConversion
import QuernQuantization
import QuernTensors

/// Compares the tensors of a folder with those that vllm-ascend looks for: what is missing or has
/// another type or shape there is a `KeyError` after minutes of loading.
struct AscendStructure {
  private let shards: RuntimeShards
  private let expectation: RuntimeExpectation
  /// The description's entries, by tensor.
  private let types: [TensorName: String]
  private(set) var failures: [VerificationReport.Failure] = []
  private(set) var warnings: [String] = []
  /// What can be read, with its type.
  private(set) var tensors: [(tensor: CheckedTensor, type: String)] = []
  /// Tensors that the runtime has a place for.
  private var used: Set<TensorName> = []
  private var firstOfFusion: [String: (name: String, type: String)] = [:]

  init(
    _ shards: RuntimeShards, _ expectation: RuntimeExpectation, types: [TensorName: String]
  ) throws(VerificationError) {
    (self.shards, self.expectation, self.types) = (shards, expectation, types)
    for tensor in expectation.tensors { try check(tensor) }
    for (name, entry) in shards.entries.sorted(by: { $0.key < $1.key }) where !used.contains(name) {
      fail(
        name.text, "tensor", found: "\(entry.tensor.elementType) \(entry.tensor.shape)",
        expected: "no such tensor: the runtime has no parameter for it")
    }
    for (name, type) in types.sorted(by: { $0.key < $1.key })
    where shards.entries[name] == nil && !used.contains(name) {
      failDescription(
        name.text, found: "the type \(type)", expected: "no entry: there is no such tensor")
    }
  }

  private mutating func check(_ tensor: RuntimeTensor) throws(VerificationError) {
    let name = TensorName(tensor.name)
    used.insert(name)
    guard let type = types[name] else {
      failDescription(
        tensor.name, found: "no entry",
        expected: tensor.name == "hc_head_fn"
          ? "FLOAT: its entry tells vllm-ascend that names are those of the release"
          : "the type of every tensor")
      if shards[tensor.name] == nil { failMissing(tensor.name, Shape(tensor.shape)) }
      return
    }
    checkFusion(tensor, type)
    if type == AscendScheme.float { return checkNumbers(tensor) }
    guard let scheme = AscendScheme(rawValue: type) else {
      return failDescription(
        tensor.name, found: type, expected: "a type that vllm-ascend has on A2 and A3")
    }
    claim(scheme, of: tensor)
    if let problem = scheme.problem(tensor.module, Shape(tensor.shape)) {
      return failDescription(tensor.name, found: type, expected: problem)
    }
    try checkIntegers(tensor, scheme)
  }

  private mutating func checkFusion(_ tensor: RuntimeTensor, _ type: String) {
    guard let fused = tensor.module?.fusedWith else { return }
    guard let first = firstOfFusion[fused] else {
      firstOfFusion[fused] = (tensor.name, type)
      return
    }
    if first.type != type {
      failDescription(
        tensor.name, found: type,
        expected: "\(first.type), the type of \(first.name): the runtime builds \(fused) of both")
    }
  }

  // MARK: Numbers

  private mutating func checkNumbers(_ tensor: RuntimeTensor) {
    guard let entry = shards[tensor.name] else {
      return failMissing(tensor.name, Shape(tensor.shape))
    }
    let (type, shape) = (entry.tensor.elementType, Shape(tensor.shape))
    let types: [ElementType] = tensor.isInteger ? [.i32, .i64] : [.f32, .bf16, .f16]
    guard types.contains(type), entry.tensor.shape == shape else {
      return fail(
        tensor.name, "type and shape", found: "\(type.rawValue) \(entry.tensor.shape)",
        expected: Self.text(types, shape))
    }
    let formats: [ElementType: NumberFormat] = [
      .f32: .f32, .bf16: .bf16, .f16: .f16, .i32: .i32,
    ]
    guard let format = formats[type], shape.elementCount > 0 else { return }
    let part = CheckedPart.numbers(
      format, shape, file: entry.file, offset: entry.tensor.range.offset)
    tensors.append(
      (
        CheckedTensor(
          name: tensor.name, shape: shape, storage: .numbers(format), parts: [part],
          grid: expectation.grid(of: tensor, granule: 1),
          expression: expectation.expression(of: tensor),
          rotation: expectation.rotation(of: tensor),
          tolerance: RowTolerance(relativeError: MeasuredLimit.relativeError(of: format))),
        AscendScheme.float
      ))
  }

  // MARK: Integers

  private func stem(of tensor: RuntimeTensor) -> String {
    String(tensor.name.dropLast("weight".count))
  }

  /// All tensors of a weight have its type.
  private mutating func claim(_ scheme: AscendScheme, of tensor: RuntimeTensor) {
    for ending in scheme.parts + scheme.constants {
      let name = stem(of: tensor) + ending
      used.insert(TensorName(name))
      if let type = types[TensorName(name)], type != scheme.rawValue {
        failDescription(
          name, found: type, expected: "\(scheme.rawValue), the type of its weight")
      } else if types[TensorName(name)] == nil, shards[name] != nil {
        failDescription(name, found: "no entry", expected: scheme.rawValue)
      }
    }
  }

  private mutating func checkIntegers(_ tensor: RuntimeTensor, _ scheme: AscendScheme)
    throws(VerificationError)
  {
    let shape = Shape(tensor.shape)
    let groups = shards[stem(of: tensor) + "weight_scale"]?.tensor.shape.dimensions.last ?? 1
    let matrix = StoredMatrix(
      storage: scheme.storage(rowLength: shape.rowLength, groups: groups), shape: shape)
    var parts: [CheckedPart] = []
    var isWhole = true
    for ending in scheme.parts {
      guard let part = part(ending, of: tensor, scheme, matrix) else {
        isWhole = false
        continue
      }
      // A mix has the numbers of both; its own scales say what it means.
      if scheme == .w8a8Mix, ending == "deq_scale" || ending == "quant_bias" { continue }
      parts.append(part)
    }
    let input = try input(of: tensor, scheme)
    guard isWhole, scheme.constants.isEmpty || input != nil, shape.elementCount > 0 else { return }
    tensors.append(
      (
        CheckedTensor(
          name: tensor.name, shape: shape, storage: .integers(matrix.storage), parts: parts,
          grid: expectation.grid(of: tensor, granule: matrix.storage.rowGranule),
          expression: expectation.expression(of: tensor),
          rotation: expectation.rotation(of: tensor), input: input,
          tolerance: RowTolerance(relativeError: 0)), scheme.rawValue
      ))
  }

  private mutating func part(
    _ ending: String, of tensor: RuntimeTensor, _ scheme: AscendScheme, _ matrix: StoredMatrix
  ) -> CheckedPart? {
    let name = stem(of: tensor) + ending
    let types = scheme.elementTypes(of: ending)
    let shape = scheme.shape(of: ending, matrix, tensor.module)
    guard let entry = shards[name] else {
      failMissing(name, shape ?? Shape([]))
      return nil
    }
    guard types.contains(entry.tensor.elementType), shape == nil || entry.tensor.shape == shape,
      let part = matrix.part(named: name, entry.tensor.elementType, entry.tensor.shape)
    else {
      fail(
        name, "type and shape",
        found: "\(entry.tensor.elementType.rawValue) \(entry.tensor.shape)",
        expected: Self.text(types, shape ?? matrix.shape))
      return nil
    }
    if entry.tensor.elementType == .i64 {
      warnings.append("\(name): I64 deq_scale is for models that run in F16 alone")
    }
    return CheckedPart(part, file: entry.file, offset: entry.tensor.range.offset)
  }

  /// How inputs are quantized, where that is fixed.
  private mutating func input(of tensor: RuntimeTensor, _ scheme: AscendScheme)
    throws(VerificationError) -> CertificateRow.Input?
  {
    var numbers: [Float] = []
    for ending in scheme.constants {
      let name = stem(of: tensor) + ending
      guard let entry = shards[name] else {
        failMissing(name, [1])
        return nil
      }
      let types = scheme.elementTypes(of: ending)
      guard types.contains(entry.tensor.elementType), entry.tensor.shape == [1],
        let number = try shards.numbers(entry)?.first
      else {
        fail(
          name, "type and shape",
          found: "\(entry.tensor.elementType.rawValue) \(entry.tensor.shape)",
          expected: Self.text(types, [1]))
        return nil
      }
      let isOffset = ending == "input_offset"
      guard
        isOffset
          ? (-128...127).contains(number) && number == number.rounded()
          : number.isFinite && number > 0
      else {
        fail(
          name, "value", found: "\(number)",
          expected: isOffset ? "an integer of eight bits" : "a finite number above 0")
        return nil
      }
      numbers.append(number)
    }
    guard numbers.count == 2 else { return nil }
    return .init(scale: numbers[0], offset: Int(numbers[1]))
  }

  // MARK: What is wrong

  private static func text(_ types: [ElementType], _ shape: Shape) -> String {
    types.map(\.rawValue).joined(separator: " or ") + " \(shape)"
  }

  private mutating func failMissing(_ name: String, _ shape: Shape) {
    failures.append(
      .init(
        file: AscendNames.index, tensor: name, what: "tensor", found: "no such tensor",
        expected: "\(shape): the runtime looks for it"))
  }

  private mutating func failDescription(_ name: String, found: String, expected: String) {
    failures.append(
      .init(
        file: AscendNames.description, tensor: name, what: "type", found: found,
        expected: expected))
  }

  private mutating func fail(_ name: String, _ what: String, found: String, expected: String) {
    failures.append(
      .init(
        file: shards.file(of: name) ?? "", tensor: name, what: what, found: found,
        expected: expected))
  }
}

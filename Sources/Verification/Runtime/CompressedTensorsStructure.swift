import QuernCheckpoints
import QuernContainers
import QuernConversion
import QuernQuantization
import QuernTensors

/// Compares the tensors of a compressed-tensors folder with those that vLLM and transformers look for.
///
/// How codes and scales belong together says the reader of such folders; what the values must be says
/// the source.
struct CompressedTensorsStructure {
  private(set) var failures: [VerificationReport.Failure] = []
  private(set) var warnings: [String] = []
  private(set) var tensors: [(tensor: CheckedTensor, type: String)] = []

  private let output: Checkpoint
  private let expectation: RuntimeExpectation
  /// Modules that the configuration leaves float; nil where it names them by patterns.
  private let ignored: Set<String>?

  init(_ output: Checkpoint, _ expectation: RuntimeExpectation) {
    (self.output, self.expectation) = (output, expectation)
    let quantization = output.config?.json["quantization_config"]?.object
    let ignore = (quantization?["ignore"]?.array ?? []).compactMap(\.string)
    ignored = ignore.contains { $0.hasPrefix("re:") } ? nil : Set(ignore)
    failures = output.problems.map(Self.failure)
    var rest: [TensorName: SourceTensor] = [:]
    for tensor in output.tensors { rest[tensor.name] = tensor }
    for tensor in expectation.tensors {
      check(tensor, rest.removeValue(forKey: TensorName(tensor.name)))
    }
    for (name, tensor) in rest.sorted(by: { $0.key < $1.key }) {
      fail(
        tensor, name.text, "tensor", found: "\(tensor.encoding) \(tensor.shape)",
        expected: "no such tensor: the runtime has no parameter for it")
    }
  }

  /// A problem that the reader found.
  static func failure(_ problem: InputProblem) -> VerificationReport.Failure {
    let file = problem.file.split(separator: "/").last.map(String.init) ?? problem.file
    return .init(
      file: file, tensor: problem.tensor, what: problem.field ?? "tensors",
      found: problem.found, expected: problem.expected)
  }

  private mutating func check(_ tensor: RuntimeTensor, _ found: SourceTensor?) {
    let shape = Shape(tensor.shape)
    guard let found else {
      failures.append(
        .init(
          file: AscendNames.filteringIndex, tensor: tensor.name, what: "tensor",
          found: "no such tensor", expected: "\(shape): the runtime looks for it"))
      return
    }
    guard found.shape == shape else {
      return fail(
        found, tensor.name, "shape", found: "\(found.shape)", expected: "\(shape)")
    }
    switch found.encoding {
    case .integers(let storage, _):
      checkIgnored(tensor, found, isQuantized: true)
      addIntegers(tensor, found, storage)
    case .plain(let type):
      if tensor.module != nil { checkIgnored(tensor, found, isQuantized: false) }
      addNumbers(tensor, found, type)
    case .fp8, .fp4, .blocks:
      fail(
        found, tensor.name, "type", found: "\(found.encoding)",
        expected: "integers with scales, or floats")
    }
  }

  /// A module that is not ignored is built for codes, another for floats.
  private mutating func checkIgnored(
    _ tensor: RuntimeTensor, _ found: SourceTensor, isQuantized: Bool
  ) {
    let module = String(tensor.name.dropLast(".weight".count))
    guard let ignored, ignored.contains(module) == isQuantized else { return }
    failures.append(
      .init(
        file: "config.json", tensor: tensor.name, what: "quantization_config.ignore",
        found: isQuantized ? "its module" : "other modules",
        expected: isQuantized ? "float modules alone: it is quantized" : "\(module): it is float"))
  }

  private mutating func addIntegers(
    _ tensor: RuntimeTensor, _ found: SourceTensor, _ storage: IntegerStorage
  ) {
    let matrix = StoredMatrix(storage: storage, shape: found.shape)
    var parts: [CheckedPart] = []
    for stored in [found.codes, found.scale, found.offset].compactMap({ $0 }) {
      // One scale for all rows has none for each of them.
      guard let part = matrix.part(named: stored.name.text, stored.elementType, stored.shape) else {
        warnings.append("\(tensor.name): \(stored.name.text) of \(stored.shape) is not compared")
        return
      }
      parts.append(CheckedPart(part, file: stored.file, offset: stored.range.offset))
    }
    tensors.append(
      (
        CheckedTensor(
          name: tensor.name, shape: found.shape, storage: .integers(storage), parts: parts,
          grid: expectation.grid(of: tensor, granule: storage.rowGranule),
          expression: expectation.expression(of: tensor),
          rotation: expectation.rotation(of: tensor),
          tolerance: RowTolerance(relativeError: 0)), "\(storage)"
      ))
  }

  private mutating func addNumbers(
    _ tensor: RuntimeTensor, _ found: SourceTensor, _ type: ElementType
  ) {
    let formats: [ElementType: NumberFormat] = [
      .f32: .f32, .bf16: .bf16, .f16: .f16, .i32: .i32,
    ]
    guard let format = formats[type], found.shape.elementCount > 0 else { return }
    tensors.append(
      (
        CheckedTensor(
          name: tensor.name, shape: found.shape, storage: .numbers(format),
          parts: [
            .numbers(
              format, found.shape, file: found.codes.file, offset: found.codes.range.offset)
          ],
          grid: expectation.grid(of: tensor, granule: 1),
          expression: expectation.expression(of: tensor),
          rotation: expectation.rotation(of: tensor),
          tolerance: RowTolerance(relativeError: MeasuredLimit.relativeError(of: format))),
        type.rawValue
      ))
  }

  private mutating func fail(
    _ tensor: SourceTensor, _ name: String, _ what: String, found: String, expected: String
  ) {
    failures.append(
      .init(
        file: output.files[tensor.codes.file].name, tensor: name, what: what, found: found,
        expected: expected))
  }
}

import QuernContainers
import QuernQuantization
import QuernTensors

/// Joins the weights of a compressed-tensors checkpoint with their scales: `X.weight` of I8 or
/// `X.weight_packed` of I32 with `X.weight_scale`.
struct CompressedTensorsFolder {
  private(set) var paired = PairedTensors()

  private let files: [String]
  private let config: CompressedTensorsConfig
  private let byName: [TensorName: StoredTensor]
  private let pool = FilePool()

  /// Suffixes of what belongs to a weight and changes no value.
  private static let companions = ["weight_shape", "input_scale", "input_zero_point"]

  /// - Throws: `CheckpointError` where a `weight_shape` cannot be read.
  init(stored: [StoredTensor], files: [String], config: CompressedTensorsConfig)
    throws(CheckpointError)
  {
    self.files = files
    self.config = config
    byName = Dictionary(stored.map { ($0.name, $0) }) { first, _ in first }
    for tensor in stored { try add(tensor) }
  }

  /// The name of the module that a tensor is of, and what it is there.
  private static func split(_ name: TensorName) -> (module: String, part: String) {
    guard let dot = name.text.lastIndex(of: ".") else { return ("", name.text) }
    return (String(name.text[..<dot]), String(name.text[name.text.index(after: dot)...]))
  }

  private func part(_ suffix: String, of module: String) -> StoredTensor? {
    byName[TensorName(module + "." + suffix)]
  }

  /// The codes of a module, where it is quantized.
  private func codes(of module: String) -> StoredTensor? {
    if let packed = part("weight_packed", of: module) { return packed }
    guard let weight = part("weight", of: module), weight.elementType == .i8 else { return nil }
    return weight
  }

  private mutating func add(_ tensor: StoredTensor) throws(CheckpointError) {
    let (module, part) = Self.split(tensor.name)
    switch part {
    case "weight_packed": try addPacked(tensor, module)
    case "weight" where tensor.elementType == .i8: addBytes(tensor, module)
    case "weight_scale", "weight_zero_point", "weight_shape", "weight_g_idx":
      if codes(of: module) == nil {
        report(
          tensor, found: "a part of a quantized weight",
          expected: "codes beside it: \(module).weight_packed, or \(module).weight of I8")
      }
    case _ where Self.companions.contains(part) && codes(of: module) != nil: return
    default: addPlain(tensor)
    }
  }

  private mutating func addPlain(_ tensor: StoredTensor) {
    guard ![.i8, .u8, .f4, .f8e4m3, .f8e5m2].contains(tensor.elementType) else {
      return report(
        tensor, field: "dtype", found: tensor.elementType.rawValue,
        expected: "integers of a format that can be read, or F32, F16 or BF16")
    }
    paired.tensors.append(
      SourceTensor(
        name: tensor.name, encoding: .plain(tensor.elementType), shape: tensor.shape,
        codes: tensor))
  }

  // MARK: Codes

  private mutating func addBytes(_ codes: StoredTensor, _ module: String) {
    guard codes.shape.rank == 2 else {
      return report(codes, field: "shape", found: "\(codes.shape)", expected: "a matrix")
    }
    join(codes, module, shape: codes.shape) { $0.packing == .bytes }
  }

  private mutating func addPacked(_ codes: StoredTensor, _ module: String) throws(CheckpointError) {
    guard codes.elementType == .i32, codes.shape.rank == 2 else {
      return report(
        codes, found: "\(codes.elementType.rawValue) \(codes.shape)", expected: "a matrix of I32")
    }
    guard let shapeTensor = part("weight_shape", of: module) else {
      return report(
        codes, found: "no \(module).weight_shape", expected: "the shape of what is packed")
    }
    guard [.i32, .i64].contains(shapeTensor.elementType), shapeTensor.shape == [2] else {
      return report(
        shapeTensor, found: "\(shapeTensor.elementType.rawValue) \(shapeTensor.shape)",
        expected: "I64 [2] or I32 [2]")
    }
    let numbers = try self.numbers(shapeTensor)
    let (rows, words) = (codes.shape.dimensions[0], codes.shape.dimensions[1])
    // Words of what is in a file can be counted; a matrix of no rows may claim any number of them.
    guard numbers[0] == rows, words <= 1 << 48, (0...8 * words).contains(numbers[1]) else {
      return report(
        shapeTensor, found: "\(numbers)", expected: "\(rows) rows that \(words) words can hold")
    }
    let shape = Shape(numbers)
    join(codes, module, shape: shape) {
      $0.packing == .words && $0.codeByteCount(rows: 1, rowLength: numbers[1]) == 4 * words
    }
  }

  private func numbers(_ tensor: StoredTensor) throws(CheckpointError) -> [Int] {
    let bytes: [UInt8]
    do throws(FileError) {
      bytes = try pool.file(at: files[tensor.file]).bytes(in: tensor.range)
    } catch { throw .file(error) }
    let width = tensor.elementType.bitWidth / 8
    return bytes.withUnsafeBytes { bytes in
      (0..<2).map { index in
        width == 8
          ? Int(Int64(littleEndian: bytes.loadUnaligned(fromByteOffset: 8 * index, as: Int64.self)))
          : Int(Int32(bitPattern: bytes.littleEndianUInt32(at: 4 * index)))
      }
    }
  }

  // MARK: Scales

  private mutating func join(
    _ codes: StoredTensor, _ module: String, shape: Shape, fits: (IntegerStorage) -> Bool
  ) {
    let name = TensorName(module + ".weight")
    if let index = part("weight_g_idx", of: module) {
      return report(index, found: "an order of columns", expected: "columns in their order")
    }
    guard let scale = part("weight_scale", of: module) else {
      return report(codes, found: "codes without \(module).weight_scale", expected: "a scale")
    }
    guard [.bf16, .f16, .f32].contains(scale.elementType) else {
      return report(
        scale, field: "dtype", found: scale.elementType.rawValue, expected: "BF16, F16 or F32")
    }
    let packing: IntegerStorage.Packing = codes.elementType == .i32 ? .words : .bytes
    let candidates = config.schemes.filter { scheme in
      fits(storage(scheme, packing, scale)) && Self.scaleShapes(scheme, shape).contains(scale.shape)
    }
    // Schemes of the same shapes mean the same values: bytes are codes whatever their bits.
    guard let scheme = candidates.max(by: { $0.bits.rawValue < $1.bits.rawValue }) else {
      return reportNoScheme(codes, scale, shape)
    }
    let zeroPoint = part("weight_zero_point", of: module)
    guard checkZeroPoint(zeroPoint, scheme, scale, packing) else { return }
    paired.tensors.append(
      SourceTensor(
        name: name,
        encoding: .integers(storage(scheme, packing, scale), scale: scale.elementType),
        shape: shape, codes: codes, scale: scale, offset: zeroPoint,
        companions: Self.companions.compactMap { part($0, of: module) },
        activations: scheme.activations))
  }

  private func storage(
    _ scheme: CompressedTensorsConfig.Scheme, _ packing: IntegerStorage.Packing,
    _ scale: StoredTensor
  ) -> IntegerStorage {
    let values: IntegerGroupLayout.ScaleType =
      switch scale.elementType {
      case .bf16: .bf16
      case .f16: .f16
      default: .f32
      }
    return IntegerStorage(
      bits: scheme.bits, groupElements: scheme.strategy == .group ? scheme.groupElements : nil,
      scaleValues: values, packing: packing)
  }

  private static func scaleShapes(_ scheme: CompressedTensorsConfig.Scheme, _ shape: Shape)
    -> [Shape]
  {
    let rows = shape.dimensions[0]
    return switch scheme.strategy {
    case .tensor: [[1], [], [1, 1]]
    case .channel: [[rows, 1], [rows]]
    case .group:
      [[rows, shape.dimensions[1].dividedRoundingUp(by: scheme.groupElements ?? 1)]]
    }
  }

  private mutating func checkZeroPoint(
    _ zeroPoint: StoredTensor?, _ scheme: CompressedTensorsConfig.Scheme, _ scale: StoredTensor,
    _ packing: IntegerStorage.Packing
  ) -> Bool {
    guard let zeroPoint else {
      if scheme.isSymmetric { return true }
      reportAsymmetry(scheme)
      return false
    }
    // Some writers keep the zeros of symmetric weights; packed ones would have to be unpacked.
    guard scheme.isSymmetric, packing == .bytes, zeroPoint.shape == scale.shape else {
      report(
        zeroPoint, found: "zero points",
        expected: "symmetric weights: others cannot be read")
      return false
    }
    return true
  }

  // MARK: What is wrong

  private mutating func reportAsymmetry(_ scheme: CompressedTensorsConfig.Scheme) {
    let problem = InputProblem(
      file: config.path,
      field: "quantization_config.config_groups.\(scheme.name).weights.symmetric",
      found: "false", expected: "true: zero points cannot be read")
    if !paired.problems.contains(problem) { paired.problems.append(problem) }
  }

  private mutating func reportNoScheme(
    _ codes: StoredTensor, _ scale: StoredTensor, _ shape: Shape
  ) {
    let schemes = config.schemes.map { scheme in
      "\(scheme.name): \(scheme.bits.rawValue) bits, "
        + (scheme.strategy == .group
          ? "groups of \(scheme.groupElements ?? 0)" : scheme.strategy.rawValue)
    }
    report(
      codes, field: "shape",
      found: "codes \(codes.shape) of \(shape) values with scales \(scale.shape)",
      expected: "one of config_groups (" + schemes.joined(separator: "; ") + ")")
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

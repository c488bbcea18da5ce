import QuernCertificates
import QuernCheckpoints
import QuernContainers
import QuernQuantization
import QuernTensors

/// Decides how each tensor of a model is rotated, and reads the weights of the norms that go to others.
///
/// Norm weights are few: they are read when the plan is made, and are a hashed input of it.
struct RotationPlanner {
  private let request: PlanRequest
  private let map: RuntimeMap
  private let pool: FilePool
  /// The source of each norm that becomes ones.
  private let norms: [String: Int]
  private var gains: [[String]: RotationGains] = [:]

  /// - Throws: `ConversionError.data` for a model that cannot be rotated, and for statistics of its
  ///   inputs, which a rotation mixes.
  init(_ request: PlanRequest, map: RuntimeMap, hasTiedHead: Bool, pool: FilePool)
    throws(ConversionError)
  {
    self.request = request
    self.map = map
    self.pool = pool
    var norms: [String: Int] = [:]
    for tensor in map.tensors where tensor.rotation == .ones {
      norms[tensor.name] = tensor.expression.sources.first?.tensor
    }
    self.norms = norms
    try checkModel(hasTiedHead: hasTiedHead)
    try checkStatistics()
  }

  /// Nil for a tensor that stays as it is.
  ///
  /// - Throws: `ConversionError.data` for dimensions that are no whole number of blocks, and for weights
  ///   of norms that are not finite.
  mutating func rotation(of tensor: RuntimeTensor) throws(ConversionError) -> PlannedRotation? {
    switch tensor.rotation {
    case nil, .refused: return nil
    case .ones: return .ones
    case .turned(let columns, let names, let rows):
      let shape = Shape(tensor.shape)
      if columns { try check(shape.rowLength, "columns", of: tensor) }
      if rows { try check(shape.rowCount, "rows", of: tensor) }
      let gains = try names.isEmpty ? nil : gains(names, rowLength: shape.rowLength)
      return .turned(TensorRotation(turnsColumns: columns, gains: gains, turnsRows: rows))
    }
  }

  /// What the plan says about tensors that lose by it.
  static func warning(_ tensors: [PlannedTensor]) -> String? {
    let encoding = SourceEncoding.fp4.description
    let count = tensors.count { $0.rotation != nil && $0.sourceEncodings == [encoding] }
    guard count > 0 else { return nil }
    return
      "--rotate mixes the values of \(count) FP4 tensors: none of their rows is exact any more, "
      + "and eight bits hold them no better than other weights"
  }

  // MARK: Refusals

  private func checkModel(hasTiedHead: Bool) throws(ConversionError) {
    for tensor in map.tensors {
      guard case .refused(let reason) = tensor.rotation else { continue }
      throw problem(
        tensor: tensor.name, found: "a draft stage that cannot be rotated: \(reason)",
        expected: "none beside --rotate", hint: "--mtp drop leaves it out")
    }
    guard map.tensors.contains(where: { $0.rotation != nil }) else {
      throw problem(
        found: "a model of which no table says what reads and writes its hidden states",
        expected: "one that can be rotated, or no --rotate")
    }
    guard !hasTiedHead else {
      throw problem(
        field: "tie_word_embeddings", found: "true",
        expected: "a head of its own beside --rotate: it takes the weights of the last norm, which "
          + "the embedding must not have")
    }
  }

  private func checkStatistics() throws(ConversionError) {
    guard let name = request.importance?.fileName ?? request.calibration?.fileName else { return }
    throw .data(
      InputProblem(
        file: name, found: "statistics of the model's inputs", expected: "none beside --rotate",
        hint: "a rotation mixes the inputs that were counted"))
  }

  private func check(_ count: Int, _ what: String, of tensor: RuntimeTensor)
    throws(ConversionError)
  {
    guard count % RowKernels.rotationBlock != 0 else { return }
    throw problem(
      tensor: tensor.name, field: "shape", found: "\(count) \(what)",
      expected: "a multiple of \(RowKernels.rotationBlock) to rotate them")
  }

  private func problem(
    tensor: String? = nil, field: String? = nil, found: String, expected: String,
    hint: String? = nil
  ) -> ConversionError {
    let checkpoint = request.checkpoint
    return .data(
      InputProblem(
        file: checkpoint.config?.path ?? checkpoint.folder, tensor: tensor, field: field,
        found: found, expected: expected, hint: hint))
  }

  // MARK: Norms

  private mutating func gains(_ names: [String], rowLength: Int) throws(ConversionError)
    -> RotationGains
  {
    if let known = gains[names], known.values.count == rowLength { return known }
    let sources = names.compactMap { norms[$0] }
    var values: [Float] = []
    for source in sources { values += try weights(of: request.checkpoint.tensors[source]) }
    guard sources.count == names.count, values.count == rowLength else {
      throw problem(
        tensor: names.first, found: "\(values.count) weights of norms", expected: "\(rowLength)")
    }
    var hash = IncrementalHash()
    for value in values {
      withUnsafeBytes(of: value.bitPattern.littleEndian) { hash.update($0) }
    }
    let read = RotationGains(
      sources: sources, values: values, hash: hash.finish().hexadecimal)
    gains[names] = read
    return read
  }

  private func weights(of norm: SourceTensor) throws(ConversionError) -> [Float] {
    let file = request.checkpoint.files[norm.codes.file].path
    guard case .plain(let type) = norm.encoding else {
      throw .data(
        InputProblem(
          file: file, tensor: norm.name, field: "dtype", found: "\(norm.encoding)",
          expected: "weights of a norm in F32, F16 or BF16"))
    }
    let bytes: [UInt8]
    do throws(FileError) {
      bytes = try pool.file(at: file).bytes(in: norm.codes.range)
    } catch { throw .file(error) }
    var values = [Float](repeating: 0, count: norm.shape.elementCount)
    values.withUnsafeMutableBufferPointer { values in
      bytes.withUnsafeBytes { RowKernels.best.decode(type.numberFormat, $0, into: values) }
    }
    if let index = values.firstIndex(where: { !$0.isFinite }) {
      throw .data(
        InputProblem(
          file: file, tensor: norm.name, field: "element \(index)", found: "\(values[index])",
          expected: "finite weights of a norm that other tensors take"))
    }
    return values
  }
}

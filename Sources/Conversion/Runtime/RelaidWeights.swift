import QuernContainers
import QuernLayouts
import QuernQuantization

/// The files of matrices in FRACTAL_NZ, in a folder of their own: a runtime that lists the weights'
/// folder must not meet them. See `formats/ascend/fractal-nz`.
struct RelaidWeights {
  private let tensors: [PlannedTensor]

  static let folder = "nz"
  private static let fileByteCount = 4 << 30

  init(_ tensors: [PlannedTensor]) { self.tensors = tensors }

  func files() throws(ConversionError) -> [PlannedFile] {
    guard tensors.contains(where: { $0.parts.contains { $0.home == .relayout } }) else {
      throw .data(
        InputProblem(
          file: Self.folder, field: "--relayout nz",
          found: "a recipe that leaves all weights float",
          expected: "integers, which the kernels of the layout take"))
    }
    return try SafetensorsLayout(
      tensors: tensors, home: .relayout, metadata: Self.note,
      name: { number, count in
        Self.folder + "/"
          + RuntimeFolder.numbered("fractal_nz", number: number, count: count)
      }, maximumByteCount: Self.fileByteCount
    ).files()
  }

  /// What one needs to know to use a blob: format id, elements in a block's row, the matrix it is of.
  private static func note(_ tensor: PlannedTensor, _ part: StoredPart) -> String? {
    guard let format = tensor.storage.integerFormat else { return nil }
    let isFour = format.storage.bits == .four
    var writer = JSONWriter()
    writer.beginObject(.inline)
    writer.member("aclFormat", FractalNZ.aclFormat)
    writer.member("dtype", isFour ? "INT4" : "INT8")
    writer.member("C0", isFour ? 64 : 32)
    writer.key("shape")
    writer.value(.array([.integer(tensor.rowLength), .integer(tensor.shape.rowCount)]))
    writer.end()
    return String(decoding: writer.drain().dropLast(), as: UTF8.self)
  }
}

import QuernCheckpoints
import QuernContainers
import QuernLayouts
import QuernQuantization
import QuernTensors

extension StoredPart {
  /// The only part of a tensor of numbers or blocks.
  static func numbers(_ name: String, _ shape: Shape, _ format: NumberFormat) -> StoredPart {
    StoredPart(
      name: name, elementType: format.elementType, shape: shape, content: .values,
      rowCount: shape.rowCount, unitByteCount: format.byteCount(elements: shape.rowLength) ?? 0)
  }

  /// The parts of a matrix of integers, as `formats/ascend/folder` and `formats/compressed-tensors`
  /// name them.
  static func integers(
    _ name: String, _ shape: Shape, _ format: IntegerFormat, _ module: RuntimeModule?
  ) -> [StoredPart] {
    let stem = name.hasSuffix("weight") ? String(name.dropLast("weight".count)) : name + "."
    let matrix = Matrix(stem: stem, rows: shape.rowCount, columns: shape.rowLength, format: format)
    switch (format.runtime, format.activations) {
    case (.ascend, .fixed):
      return [
        matrix.codes("weight"), matrix.perRow("deq_scale", .f32, .productScales),
        matrix.perRow("quant_bias", .i32, .offsetCorrection),
      ]
    case (.ascend, _):
      let correction =
        format.storage.bits == .four
        ? [
          matrix.splitCorrection(module?.split == .columns ? RuntimeLimits.splitCorrectionRuns : 1)
        ] : []
      return [
        matrix.codes("weight"), matrix.scales(.f32),
        matrix.perRow("weight_offset", .f32, .zeroOffsets, isColumn: true),
      ] + correction
    case (.compressedTensors, .float):
      return [matrix.codes("weight_packed"), matrix.scales(.bf16)]
    case (.compressedTensors, _): return [matrix.codes("weight"), matrix.scales(.bf16)]
    }
  }

  /// The codes of a matrix [rows, columns] as FRACTAL_NZ of [columns, rows], the order in which
  /// `npu_quant_matmul` wants it; nil where there is no such order.
  static func fractalNZ(_ name: String, _ shape: Shape, _ format: IntegerFormat) -> StoredPart? {
    guard let layout = FractalNZ(of: format.storage, rows: shape.rowCount, columns: shape.rowLength)
    else { return nil }
    return StoredPart(
      name: name, elementType: .i8, shape: Shape(layout.shape.dropLast() + [32]),
      content: .fractalNZ, rowCount: shape.rowCount, unitByteCount: layout.stripStride,
      rowsPerUnit: layout.stripSourceRows * format.storage.rowGranule)
  }

  /// A matrix whose parts are named.
  private struct Matrix {
    let stem: String
    let rows: Int
    let columns: Int
    let format: IntegerFormat

    func codes(_ name: String) -> StoredPart {
      let storage = format.storage
      let granule = storage.rowGranule
      let unit = storage.codeByteCount(rows: granule, rowLength: columns)
      let isWords = storage.packing == .words
      return StoredPart(
        name: stem + name, elementType: isWords ? .i32 : .i8,
        shape: [rows / granule, isWords ? unit / 4 : unit], content: .codes, rowCount: rows,
        unitByteCount: unit, rowsPerUnit: granule)
    }

    func scales(_ type: ElementType) -> StoredPart {
      let count = format.storage.groupsPerRow(rowLength: columns)
      return StoredPart(
        name: stem + "weight_scale", elementType: type, shape: [rows, count], content: .scales,
        rowCount: rows, unitByteCount: count * type.bitWidth / 8)
    }

    /// - Parameter isColumn: whether the shape is [rows, 1] instead of [rows].
    func perRow(
      _ name: String, _ type: ElementType, _ content: Content, isColumn: Bool = false
    ) -> StoredPart {
      StoredPart(
        name: stem + name, elementType: type, shape: Shape(isColumn ? [rows, 1] : [rows]),
        content: content, rowCount: rows, unitByteCount: type.bitWidth / 8)
    }

    func splitCorrection(_ runs: Int) -> StoredPart {
      StoredPart(
        name: stem + "scale_bias", elementType: .f32, shape: [rows, runs],
        content: .splitCorrection(runs: runs), rowCount: rows, unitByteCount: 4 * runs)
    }
  }
}

extension FractalNZ {
  /// The layout of the codes of rows, transposed; nil for codes that are packed otherwise.
  package init?(of storage: IntegerStorage, rows: Int, columns: Int) {
    let element: Element? =
      switch (storage.packing, storage.bits) {
      case (.bytes, .eight): .int8
      case (.rowPairs, _): .int4
      default: nil
      }
    guard let element, let layout = try? FractalNZ(element, rows: columns, columns: rows) else {
      return nil
    }
    self = layout
  }
}

extension NumberFormat {
  /// The same type among those of safetensors; nil for blocks.
  var elementType: ElementType? {
    switch self {
    case .f32: .f32
    case .f16: .f16
    case .bf16: .bf16
    case .i32: .i32
    default: nil
    }
  }
}

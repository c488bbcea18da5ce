import QuernConversion
import QuernLayouts
import QuernQuantization
import QuernTensors

/// The stored tensors that a matrix of integers may consist of, by the endings of their names.
///
/// | ending | holds | shape |
/// |---|---|---|
/// | `weight`, `weight_packed` | codes | as the packing says |
/// | `weight` | codes in FRACTAL_NZ | [⌈rows/C0⌉, ⌈columns/16⌉, 16, 32] |
/// | `weight_scale` | scales | [rows, groups], or [rows] |
/// | `weight_offset` | zeros | as scales |
/// | `scale_bias` | 8·Σ code · scale of equal runs of a row | [rows, runs] |
/// | `deq_scale` | scale of the inputs · scale | [rows] |
/// | `quant_bias` | −offset of the inputs · Σ code | [rows] |
struct StoredMatrix {
  let storage: IntegerStorage
  /// Of the values.
  let shape: Shape

  private var rows: Int { shape.rowCount }
  private var groups: Int { storage.groupsPerRow(rowLength: shape.rowLength) }

  /// The part of a name; nil for a name that ends otherwise, and for a type or shape that such a part
  /// cannot have.
  func part(named name: String, _ type: ElementType, _ found: Shape) -> StoredPart? {
    switch name.split(separator: ".").last ?? "" {
    case "weight" where found.rank == 4: relaid(name, type, found)
    case "weight", "weight_packed": codes(name, type, found)
    case "weight_scale": perGroup(name, type, found, .scales)
    case "weight_offset": perGroup(name, type, found, .zeroOffsets)
    case "deq_scale": perRow(name, type, found, .productScales, [.f32, .i64])
    case "quant_bias": perRow(name, type, found, .offsetCorrection, [.i32])
    case "scale_bias": correction(name, type, found)
    default: nil
    }
  }

  /// The shape of the stored codes.
  var codesShape: Shape {
    let unit = storage.codeByteCount(rows: storage.rowGranule, rowLength: shape.rowLength)
    return [rows / storage.rowGranule, storage.packing == .words ? unit / 4 : unit]
  }

  private func codes(_ name: String, _ type: ElementType, _ found: Shape) -> StoredPart? {
    let granule = storage.rowGranule
    guard type == (storage.packing == .words ? .i32 : .i8), rows % granule == 0,
      found == codesShape
    else { return nil }
    return StoredPart(
      name: name, elementType: type, shape: found, content: .codes, rowCount: rows,
      unitByteCount: storage.codeByteCount(rows: granule, rowLength: shape.rowLength),
      rowsPerUnit: granule)
  }

  private func relaid(_ name: String, _ type: ElementType, _ found: Shape) -> StoredPart? {
    guard type == .i8,
      let layout = FractalNZ(of: storage, rows: rows, columns: shape.rowLength),
      found == Shape(layout.shape.dropLast() + [32])
    else { return nil }
    return StoredPart(
      name: name, elementType: type, shape: found, content: .fractalNZ, rowCount: rows,
      unitByteCount: layout.stripStride,
      rowsPerUnit: layout.stripSourceRows * storage.rowGranule)
  }

  private func perGroup(
    _ name: String, _ type: ElementType, _ found: Shape, _ content: StoredPart.Content
  ) -> StoredPart? {
    guard [.f32, .bf16, .f16].contains(type), found == [rows, groups] else { return nil }
    return StoredPart(
      name: name, elementType: type, shape: found, content: content, rowCount: rows,
      unitByteCount: groups * type.bitWidth / 8)
  }

  private func perRow(
    _ name: String, _ type: ElementType, _ found: Shape, _ content: StoredPart.Content,
    _ types: [ElementType]
  ) -> StoredPart? {
    guard types.contains(type), found == [rows] else { return nil }
    return StoredPart(
      name: name, elementType: type, shape: found, content: content, rowCount: rows,
      unitByteCount: type.bitWidth / 8)
  }

  private func correction(_ name: String, _ type: ElementType, _ found: Shape) -> StoredPart? {
    guard type == .f32, found.rank == 2, found.dimensions[0] == rows,
      let runs = found.dimensions.last, runs > 0, shape.rowLength % runs == 0
    else { return nil }
    return StoredPart(
      name: name, elementType: type, shape: found, content: .splitCorrection(runs: runs),
      rowCount: rows, unitByteCount: 4 * runs)
  }
}

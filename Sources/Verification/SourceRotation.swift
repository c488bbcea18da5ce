import QuernCheckpoints
import QuernContainers
import QuernConversion
import QuernQuantization
import QuernTensors

/// Rotates decoded source values as `formats/rotation` says: the same float32 operations in the same
/// order as the conversion, written down a second time.
package struct SourceRotation: Sendable {
  private static let blockElements = 32
  /// 1/√32, the nearest float32.
  private static let factor: Float = 0x1.6a09e6p-3

  /// Whether the values of a row are rotated, or those of a column, or both, rows first.
  let isAlongRows: Bool
  let isAlongColumns: Bool
  /// What each column is multiplied by; empty for nothing.
  let gains: [Float]

  package init(isAlongRows: Bool, isAlongColumns: Bool, gains: [Float]) {
    self.isAlongRows = isAlongRows
    self.isAlongColumns = isAlongColumns
    self.gains = gains
  }

  /// Rows that cannot be looked at one by one.
  var rowGranule: Int { isAlongColumns ? Self.blockElements : 1 }

  /// Rotates whole rows, a multiple of `rowGranule` of them. What is no whole number of blocks stays as
  /// it is: the comparison shows it.
  package func apply(to values: inout [Float], rowLength: Int) {
    if gains.count == rowLength {
      for index in values.indices { values[index] *= gains[index % rowLength] }
    }
    if isAlongRows {
      Self.rotate(&values, distance: 1, starts: stride(from: 0, to: values.count, by: 32))
    }
    guard isAlongColumns else { return }
    for first in stride(from: 0, to: values.count, by: Self.blockElements * rowLength) {
      Self.rotate(
        &values, distance: rowLength,
        starts: stride(from: first, to: first + rowLength, by: 1))
    }
  }

  /// Rotates blocks of 32 values that lie at a distance from each other.
  private static func rotate(
    _ values: inout [Float], distance: Int, starts: StrideTo<Int>
  ) {
    var block = [Float](repeating: 0, count: blockElements)
    var next = block
    for start in starts where start + (blockElements - 1) * distance < values.count {
      for index in 0..<blockElements { block[index] = values[start + index * distance] }
      for half in [1, 2, 4, 8, 16] {
        for index in 0..<blockElements {
          next[index] =
            index & half == 0
            ? block[index] + block[index + half] : block[index - half] - block[index]
        }
        swap(&block, &next)
      }
      for index in 0..<blockElements { values[start + index * distance] = block[index] * factor }
    }
  }
}

/// Reads the weights of norms that rotated matrices have taken, each once.
struct SourceRotations {
  private let checkpoint: Checkpoint
  private let pool = FilePool()
  private var gains: [[Int]: [Float]] = [:]

  init(_ checkpoint: Checkpoint) { self.checkpoint = checkpoint }

  /// The rotation of a planned tensor; nil where it has none.
  mutating func rotation(of tensor: PlannedTensor) throws(FileError) -> SourceRotation? {
    guard let planned = tensor.rotation else { return nil }
    return SourceRotation(
      isAlongRows: planned.turnsColumns, isAlongColumns: planned.turnsRows,
      gains: try gains(planned.gains?.sources ?? []))
  }

  /// The rotations of all tensors that a runtime looks for, by their names, as their family's table
  /// says.
  mutating func rotations(of tensors: [RuntimeTensor]) throws(FileError)
    -> [String: SourceRotation]
  {
    var norms: [String: Int] = [:]
    for tensor in tensors where tensor.rotation == .ones {
      norms[tensor.name] = tensor.expression.sources.first?.tensor
    }
    var rotations: [String: SourceRotation] = [:]
    for tensor in tensors {
      guard case .turned(let columns, let names, let rows) = tensor.rotation else { continue }
      rotations[tensor.name] = SourceRotation(
        isAlongRows: columns, isAlongColumns: rows,
        gains: try gains(names.compactMap { norms[$0] }))
    }
    return rotations
  }

  private mutating func gains(_ norms: [Int]) throws(FileError) -> [Float] {
    if let known = gains[norms] { return known }
    var values: [Float] = []
    for norm in norms {
      let tensor = checkpoint.tensors[norm]
      let run = try SourceRun(
        tensor, firstRow: 0, rowCount: tensor.shape.rowCount, column: 0, checkpoint: checkpoint,
        pool: pool)
      var value: Float = 0
      for row in 0..<tensor.shape.rowCount {
        withUnsafeMutablePointer(to: &value) {
          run.decode(row: row, into: UnsafeMutableBufferPointer(start: $0, count: 1))
        }
        values.append(value)
      }
    }
    gains[norms] = values
    return values
  }
}

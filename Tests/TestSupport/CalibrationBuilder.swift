import QuernContainers
import QuernTensors

/// Calibration statistics of made-up inputs, to write into a file.
package struct CalibrationBuilder {
  private var tensors: [(name: String, type: ElementType, shape: Shape, bytes: [UInt8])] = []
  package var metadata = [
    (key: "format", value: "quern-calibration"), (key: "version", value: "1"),
    (key: "model", value: "test"), (key: "tokens", value: "100"),
  ]

  package init() {}

  /// Adds the statistics of a weight: inputs in which neighbouring columns are alike.
  ///
  /// - Parameters:
  ///   - widths: columns of each Hessian block.
  ///   - counts: rows seen by each expert.
  package mutating func add(
    _ name: String, widths: [Int], counts: [Int] = [100], change: (inout [Float]) -> Void = { _ in }
  ) {
    tensors.append(
      (
        name + ".count", .i64, [counts.count],
        counts.flatMap { withUnsafeBytes(of: Int64($0).littleEndian, Array.init) }
      ))
    for (block, width) in widths.enumerated() {
      var values: [Float] = []
      for expert in counts.indices {
        for index in 0..<width * width {
          let distance = abs(index / width - index % width)
          let size =
            Float(1 + (index / width + expert) % 3) * Float(1 + (index % width + expert) % 3)
          // A Gram matrix of an autoregressive sequence, rows and columns scaled.
          values.append((0..<distance).reduce(size) { value, _ in value * 0.9 })
        }
      }
      change(&values)
      tensors.append(
        (
          "\(name).hessian.\(block)", .f32,
          Shape((counts.count > 1 ? [counts.count] : []) + [width, width]),
          values.flatMap { withUnsafeBytes(of: $0.bitPattern.littleEndian, Array.init) }
        ))
    }
  }

  /// Adds the range of the inputs of a weight.
  package mutating func add(_ name: String, range: ClosedRange<Float>, rows: Int = 100) {
    tensors.append(
      (
        name + ".count", .i64, [1], withUnsafeBytes(of: Int64(rows).littleEndian, Array.init)
      ))
    tensors.append(
      (
        name + ".range", .f32, [2],
        [range.lowerBound, range.upperBound].flatMap {
          withUnsafeBytes(of: $0.bitPattern.littleEndian, Array.init)
        }
      ))
  }

  /// Writes a file and returns its path.
  package func write(to folder: TemporaryFolder, _ name: String = "statistics.safetensors") throws
    -> String
  {
    let header = try SafetensorsHeader(
      tensors: tensors.map { .init(TensorName($0.name), $0.type, $0.shape) }, metadata: metadata,
      file: name)
    return try folder.write(name, header.bytes + tensors.flatMap(\.bytes))
  }
}

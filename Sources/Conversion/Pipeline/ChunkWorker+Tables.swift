import CKernels
import QuernCertificates
import QuernCheckpoints
import QuernContainers
import QuernQuantization

/// Tensors that are no weights: values that follow from the plan, and index tables.
extension ChunkWorker {
  func convertValues(
    _ values: [Float], _ tensor: PlannedTensor, _ source: SourceChunk,
    _ output: UnsafeMutableRawBufferPointer, _ outcome: inout ChunkOutcome
  ) {
    let first = source.firstOutputRow * tensor.rowLength
    let chunk = Array(values[first..<first + source.rowCount * tensor.rowLength])
    var comparison = quern_comparison()
    let format = tensor.storage.numberFormat ?? .f32
    chunk.withUnsafeBufferPointer { values in
      if format == .i32 {
        for (index, value) in values.enumerated() {
          output.storeBytes(of: Int32(value).littleEndian, toByteOffset: 4 * index, as: Int32.self)
        }
      } else {
        kernels.encode(format, values, into: output)
      }
      var decoded = [Float](repeating: 0, count: values.count)
      decoded.withUnsafeMutableBufferPointer { decoded in
        kernels.decode(format, UnsafeRawBufferPointer(output), into: decoded)
        kernels.compare(values, UnsafeBufferPointer(decoded), position: 0, into: &comparison)
      }
    }
    outcome.sums = ErrorSums(comparison)
  }

  /// An index table becomes I32; its sums are over the indices as numbers.
  func convertTable(
    _ tensor: PlannedTensor, _ source: SourceChunk, _ output: UnsafeMutableRawBufferPointer,
    _ outcome: inout ChunkOutcome
  ) throws(ConversionError) {
    guard let segment = source.segments.first else { return }
    let width = segment.tensor.encoding == .plain(.i64) ? 8 : 4
    var lanes = [Double](repeating: 0, count: 16)
    for index in 0..<source.rowCount * tensor.rowLength {
      let value =
        width == 8
        ? Int(
          Int64(
            littleEndian: buffers.sources.codes.loadUnaligned(
              fromByteOffset: 8 * index, as: Int64.self)))
        : Int(
          Int32(
            littleEndian: buffers.sources.codes.loadUnaligned(
              fromByteOffset: 4 * index, as: Int32.self)))
      guard let entry = Int32(exactly: value) else {
        throw .data(
          InputProblem(
            file: plan.checkpoint.files[segment.tensor.codes.file].path,
            tensor: segment.tensor.name,
            field: "row \(segment.firstRow + index / tensor.rowLength)", found: "\(value)",
            expected: "an entry that fits 32 bits"))
      }
      output.storeBytes(of: entry.littleEndian, toByteOffset: 4 * index, as: Int32.self)
      let read = Int32(littleEndian: output.load(fromByteOffset: 4 * index, as: Int32.self))
      if Int(read) != value { outcome.sums.unequalCount += 1 }
      lanes[index % 16] += Double(value) * Double(value)
    }
    outcome.sums.signal = ErrorSums.sum(ofLanes: lanes)
    outcome.sums.output = outcome.sums.signal
  }
}

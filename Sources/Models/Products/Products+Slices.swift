import QuernContainers
import QuernKernels
import QuernQuantization

extension Products {
  /// Multiplies with some rows of a weight, which are read for it.
  ///
  /// - Parameter target: the places of the products of all rows of `inputs`.
  func multiply(
    _ inputs: ProductInputs, _ kernel: ProductKernel, _ weight: Weight, part: Int,
    _ rows: Range<Int>, _ reader: WeightReader, into target: ProductTarget
  ) throws(ModelError) {
    workers.control.add(multiplyAdds: target.rows.count * rows.count * weight.columnCount)
    switch inputs {
    case .floats(let x, let taken):
      try reader.withRows(of: weight, part: part, rows) { multiply(x, taken, $0, into: target) }
      if case .halves(let type) = kernel { target.round(to: type) }
    case .blocks(let x, let format):
      try reader.withStoredRows(of: weight, part: part, rows) {
        (bytes, factors) throws(ModelError) in
        try multiply(x, bytes, format, weight, into: target)
        // llama.cpp multiplies the products by the factors of NVFP4, not the weights.
        if let factors { target.multiply(by: factors) }
      }
    case .integers(let x):
      let integers = try reader.integers(of: weight, part: part, rows)
      do throws(KernelError) {
        target.take(try x.multiply(integers, using: KernelProducts(kernels)))
      } catch { throw ModelError(error, multiplying: weight) }
    }
  }

  private func multiply(
    _ x: Activations, _ rows: Range<Int>, _ w: UnsafeMutableBufferPointer<Float>,
    into target: ProductTarget
  ) {
    guard let xBase = x.values.baseAddress, let wBase = w.baseAddress, let out = target.start,
      !rows.isEmpty, x.width > 0
    else { return }
    FloatProducts(kernels).multiply(
      x: xBase + rows.lowerBound * x.width, rows: rows.count, w: wBase,
      outputs: target.columns.count, inner: x.width, out: out, outStride: target.out.width)
  }

  private func multiply(
    _ x: RoundedRows, _ bytes: UnsafeRawBufferPointer, _ format: NumberFormat, _ weight: Weight,
    into target: ProductTarget
  ) throws(ModelError) {
    guard let out = target.start else { return }
    do throws(KernelError) {
      try BlockProducts(kernels).multiply(
        x, weights: bytes, format: format, outputs: target.columns.count, out: out,
        outStride: target.out.width)
    } catch { throw ModelError(error, multiplying: weight) }
  }
}

extension ModelError {
  /// What a kernel does not take.
  init(_ error: KernelError, multiplying weight: Weight) {
    self = .data(
      InputProblem(
        file: weight.checkpoint.folder, tensor: weight.name, found: "\(error)",
        expected: "weights and activations that the target's kernel takes"))
  }
}

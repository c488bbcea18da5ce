import CKernels

extension IntegerGroups {
  /// Encodes finite values, whole groups of them.
  ///
  /// - Parameter weights: one finite value ≥ 0 for each of `values`, by which `optimal` weighs squared
  ///   errors, or nil where all count the same.
  /// - Throws: `IntegerGroupError` for counts that do not fit, values or weights that are not finite,
  ///   and scales that their type cannot hold.
  public init(
    encoding values: [Float], as layout: IntegerGroupLayout, by method: Method,
    weights: [Float]? = nil
  ) throws(IntegerGroupError) {
    try self.init(values, layout, method, weights, RowKernels.best)
  }

  init(
    _ values: [Float], _ layout: IntegerGroupLayout, _ method: Method, _ weights: [Float]?,
    _ kernels: RowKernels
  ) throws(IntegerGroupError) {
    try Self.check(values, weights, layout, kernels)
    let groups = values.count / layout.groupElements
    var codes = [Int8](repeating: 0, count: values.count)
    var scales = [Float](repeating: 0, count: groups)
    var zeroPoints = [Int8](repeating: 0, count: layout.hasZeroPoints ? groups : 0)
    codes.withUnsafeMutableBufferPointer { codes in
      scales.withUnsafeMutableBufferPointer { scales in
        zeroPoints.withUnsafeMutableBufferPointer { zeroPoints in
          let planes = quern_integer_planes(
            codes: codes.baseAddress, scales: scales.baseAddress,
            zero_points: zeroPoints.baseAddress)
          kernels.encode(values, weights, layout, method, into: planes)
        }
      }
    }
    if let group = scales.firstIndex(where: { !$0.isFinite }) {
      throw .scaleOverflow(type: layout.scaleType, group: group)
    }
    self.init(layout: layout, codes: codes, scales: scales, zeroPoints: zeroPoints)
  }

  private static func check(
    _ values: [Float], _ weights: [Float]?, _ layout: IntegerGroupLayout, _ kernels: RowKernels
  ) throws(IntegerGroupError) {
    guard layout.groupElements > 0, values.count % layout.groupElements == 0 else {
      throw .elementCount(found: values.count, multipleOf: layout.groupElements)
    }
    if let index = values.withUnsafeBufferPointer({ kernels.firstNonFinite($0) }) {
      throw .nonFinite(index: index)
    }
    guard let weights else { return }
    guard weights.count == values.count else {
      throw .weightCount(found: weights.count, expected: values.count)
    }
    if let index = weights.firstIndex(where: { !($0 >= 0 && $0.isFinite) }) {
      throw .badWeight(index: index)
    }
  }
}

extension RowKernels {
  fileprivate func encode(
    _ values: [Float], _ weights: [Float]?, _ layout: IntegerGroupLayout,
    _ method: IntegerGroups.Method, into planes: quern_integer_planes
  ) {
    var kernelLayout = layout.kernelLayout
    switch (method, weights) {
    case (.absmax, _):
      kernels.integers_by_absmax(&kernelLayout, values, planes, values.count)
    case (.optimal, nil):
      kernels.integers_optimally(&kernelLayout, values, nil, planes, values.count)
    case (.optimal, let weights?):
      kernels.integers_optimally(&kernelLayout, values, weights, planes, values.count)
    }
  }
}

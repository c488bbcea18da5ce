import QuernTensors

/// A tensor of a GGUF file: how it is stored and where.
public struct GGUFTensor: Equatable, Sendable {
  public let name: TensorName
  public let type: GGMLType
  /// As the file lists them: the contiguous one first.
  public let dimensions: [Int]
  /// The tensor's bytes, from the start of the file, without padding.
  public let range: ByteRange

  /// The dimensions with the outermost first, as everywhere else in Quern.
  public var shape: Shape { Shape(dimensions.reversed()) }

  package init(name: TensorName, type: GGMLType, dimensions: [Int], range: ByteRange) {
    self.name = name
    self.type = type
    self.dimensions = dimensions
    self.range = range
  }
}

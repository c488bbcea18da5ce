import QuernTensors

/// A tensor of a safetensors file: how it is stored and where.
public struct SafetensorsTensor: Equatable, Sendable {
  public let name: TensorName
  public let elementType: ElementType
  public let shape: Shape
  /// The tensor's bytes, from the start of the file.
  public let range: ByteRange

  package init(name: TensorName, elementType: ElementType, shape: Shape, range: ByteRange) {
    self.name = name
    self.elementType = elementType
    self.shape = shape
    self.range = range
  }
}

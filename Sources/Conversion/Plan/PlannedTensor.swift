import QuernCheckpoints
import QuernContainers
import QuernQuantization
import QuernTensors

/// One output tensor of a plan: everything that is decided about it.
public struct PlannedTensor: Sendable {
  /// How values become stored bytes, once `auto` is resolved.
  public enum Method: String, Sendable {
    /// The same values in the same encoding.
    case copy
    /// Each value to the nearest of the format (or to an equal one).
    case cast
    case absmax
    case gridAware = "grid-aware"
  }

  public let name: String
  public let role: TensorRole
  /// Outermost dimension first.
  public let shape: Shape
  public let format: NumberFormat
  public let method: Method
  public let expectation: Exactness
  /// The format asked for, where its blocks do not divide the rows.
  public let fallbackFrom: NumberFormat?
  /// The encodings of the sources, each once.
  public let sourceEncodings: [String]
  /// Bytes of all sources, scales included.
  public let sourceByteCount: Int
  public let grid: ChunkGrid
  package var expression: TensorExpression

  public var rowLength: Int { shape.rowLength }
  public var elementCount: Int { shape.elementCount }
  public var rowByteCount: Int { format.byteCount(elements: rowLength) ?? 0 }
  public var byteCount: Int { shape.rowCount * rowByteCount }
}

/// One file of the output.
public struct PlannedFile: Sendable {
  /// Name of the file, beside the others.
  public let name: String
  package let header: [UInt8]
  /// What the header says, in its order.
  package let keyValues: [GGUFKeyValue]
  /// Which of the plan's tensors it holds.
  public let tensors: Range<Int>
  /// Where each of them begins in the file.
  package let offsets: [Int]
  public let byteCount: Int
}

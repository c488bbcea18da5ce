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
    /// The format's one-pass rule: the scale follows from the largest magnitude.
    case absmax
    /// The reference search of the K and IQ formats.
    case ggml
    /// The scales of least squared error, weighted where the tensor has importance data.
    case optimal
    /// From the codes of an FP4 source.
    case gridAware = "grid-aware"
    /// Column by column, by the correlations of the inputs; rows of experts without statistics as
    /// `optimal` without weights.
    case gptq

    /// Whether errors are weighted where there is importance data.
    var isWeighted: Bool {
      switch self {
      case .optimal, .gridAware, .gptq: true
      case .copy, .cast, .absmax, .ggml: false
      }
    }
  }

  public let name: String
  public let role: TensorRole
  /// Outermost dimension first.
  public let shape: Shape
  public let storage: TensorStorage
  /// The stored tensors that hold it.
  package let parts: [StoredPart]
  public let method: Method
  public let expectation: Exactness
  /// The format asked for, where its blocks do not divide the rows.
  public let fallbackFrom: NumberFormat?
  /// The encodings of the sources, each once.
  public let sourceEncodings: [String]
  /// Bytes of all sources, scales included.
  public let sourceByteCount: Int
  public package(set) var grid: ChunkGrid
  package var expression: TensorExpression
  /// What there is of importance data; nil where errors are not weighted.
  package var importance: Importance.Facts?
  /// What `gptq` rounds with; nil for all other methods.
  package var calibration: Calibration.Facts?
  /// How inputs are quantized, where the storage fixes that.
  package var activation: StaticActivation?
  /// For a few numbers that belong to a matrix of integers, the form of that matrix.
  package var ofMatrix: IntegerFormat?
  /// How its values are turned before they are encoded; nil where they are not.
  package var rotation: TensorRotation?
  /// The exponents of the powers of two that NVFP4 values are multiplied by, one for each expert or
  /// one for all; empty where the target multiplies by none.
  package var scaleExponents: [Int] = []

  /// Experts that `gptq` has no statistics of; nil for all other methods.
  public var unseenExpertsOfCalibration: Int? { calibration?.unseenExpertCount }

  /// Experts whose matrices are stacked in it, 1 for all else.
  package var expertCount: Int { shape.rank == 3 ? max(1, shape.dimensions[0]) : 1 }

  /// Rows of one expert.
  package var rowsPerExpert: Int { shape.rowCount / expertCount }

  /// The power of two that the values of a row are multiplied by.
  package func secondScaleExponent(ofRow row: Int) -> Int {
    guard !scaleExponents.isEmpty else { return 0 }
    return scaleExponents[row / max(1, shape.rowCount / scaleExponents.count)]
  }

  public var rowLength: Int { shape.rowLength }
  public var elementCount: Int { shape.elementCount }
  /// Bytes of all that is stored of it.
  public var byteCount: Int { parts.reduce(0) { $0 + $1.byteCount } }

  /// Stored bits for one value, scales included.
  public var bitsPerElement: Double {
    elementCount == 0 ? 0 : 8 * Double(byteCount) / Double(elementCount)
  }

  /// Bytes of so many rows in all parts.
  package func byteCount(rows: Int) -> Int { parts.reduce(0) { $0 + $1.byteCount(rows: rows) } }
}

/// One file of the output.
public struct PlannedFile: Sendable {
  /// Name of the file, beside the others.
  public let name: String
  /// What stands before the tensors; all of a file that holds none.
  package let header: [UInt8]
  /// What the header of a GGUF says, in its order.
  package let keyValues: [GGUFKeyValue]
  /// Which of the plan's tensors it holds.
  public let tensors: Range<Int>
  /// Which of their parts.
  package var home = StoredPart.Home.weights
  /// Where those begin in the file.
  package let offsets: [[Int]]
  public let byteCount: Int
}

extension PlannedFile {
  /// A small file without tensors.
  init(name: String, contents: [UInt8], tensorIndex: Int) {
    self.init(
      name: name, header: contents, keyValues: [], tensors: tensorIndex..<tensorIndex, offsets: [],
      byteCount: contents.count)
  }
}

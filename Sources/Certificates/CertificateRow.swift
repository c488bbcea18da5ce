/// What is proven about one output tensor.
public struct CertificateRow: Equatable, Sendable {
  /// How strong the claim is.
  public enum Class: String, Sendable {
    /// Every decoded value was compared and is numerically equal to the source's.
    case exact
    /// No error is larger than `errorBound`, which follows from the scales.
    case bounded
    /// The errors are what was measured.
    case measured
  }

  /// A source tensor, or a run of its rows.
  public struct Source: Equatable, Sendable {
    public var name: String
    public var file: String
    public var encoding: String
    /// First row and number of rows, where not all are used.
    public var rows: [Int]?
    /// Digest of the codes: BLAKE3 over the digests of its chunks.
    public var hash: String
    public var scaleHash: String?

    public init(
      name: String, file: String, encoding: String, rows: [Int]?, hash: String, scaleHash: String?
    ) {
      self.name = name
      self.file = file
      self.encoding = encoding
      self.rows = rows
      self.hash = hash
      self.scaleHash = scaleHash
    }
  }

  /// Things that were counted on the way.
  public struct Counts: Equatable, Sendable {
    /// Blocks whose scale is zero.
    public var zeroBlocks = 0
    /// Blocks whose scale is an F16 subnormal and has fewer bits.
    public var subnormalScales = 0
    /// NaN and infinite weights that became 0 because it was asked for.
    public var zeroedNonFinite = 0
    /// Rows of which every value is equal to the source's; nil where rows were not counted.
    public var exactRows: Int?

    public init() {}
  }

  /// One of the stored tensors that a matrix of integers consists of.
  public struct Stored: Equatable, Sendable {
    public var name: String
    /// Position in the certificate's files.
    public var file: Int
    /// By safetensors' name.
    public var type: String
    public var shape: [Int]
    /// Where it begins in the file.
    public var offset: Int
    public var byteCount: Int

    public init(
      name: String, file: Int, type: String, shape: [Int], offset: Int, byteCount: Int
    ) {
      self.name = name
      self.file = file
      self.type = type
      self.shape = shape
      self.offset = offset
      self.byteCount = byteCount
    }
  }

  /// How a runtime quantizes the inputs of a matrix where that is fixed.
  public struct Input: Equatable, Sendable {
    public var scale: Float
    public var offset: Int

    public init(scale: Float, offset: Int) {
      self.scale = scale
      self.offset = offset
    }
  }

  /// What importance data did to a tensor.
  public struct Importance: Equatable, Sendable {
    /// Experts without data of their own: their columns all count the same.
    public var unseenExpertCount: Int
    /// Sum of weight · source².
    public var signal: Double
    /// Sum of weight · (source − output)².
    public var noise: Double

    public init(unseenExpertCount: Int, signal: Double, noise: Double) {
      self.unseenExpertCount = unseenExpertCount
      self.signal = signal
      self.noise = noise
    }

    /// As `ErrorSums.sqnrDecibels`, of the weighted sums.
    public var sqnrDecibels: Double? {
      var sums = ErrorSums()
      (sums.signal, sums.noise) = (signal, noise)
      return sums.sqnrDecibels
    }
  }

  /// What calibration statistics did to a tensor.
  public struct Calibration: Equatable, Sendable {
    /// Experts without statistics: their rows are encoded as `optimal` does.
    public var unseenExpertCount: Int

    public init(unseenExpertCount: Int) { self.unseenExpertCount = unseenExpertCount }
  }

  public var name: String
  /// Position in the certificate's files.
  public var file: Int
  public var role: String
  public var type: String
  public var method: String
  /// Outermost dimension first.
  public var shape: [Int]
  public var sources: [Source]
  public var sums: ErrorSums
  /// A bound on every |error|, where one follows from the scales.
  public var errorBound: Double?
  public var counts: Counts
  /// Nil where no imatrix had a part in it.
  public var importance: Importance?
  /// Nil where no statistics had a part in it.
  public var calibration: Calibration?
  /// Nil where inputs are quantized as they come, or not at all.
  public var input: Input?
  /// Whether the values were rotated before they were encoded: errors are those of rotated values.
  public var isRotated: Bool
  /// The exponents of the powers of two that NVFP4 values are multiplied by: one for each expert or
  /// one for all; empty where there is none.
  public var scaleExponents: [Int]
  /// The stored tensors, where there are several; empty for one, which has the row's name.
  public var stored: [Stored]
  /// Where the tensor, or the first of several, begins in its file.
  public var offset: Int
  public var byteCount: Int
  /// The chunk grid that hashes and sums are taken over: parts of a stack, rows of a chunk.
  public var parts: Int
  public var chunkRows: Int
  /// Digest of the output: BLAKE3 over the digests of its chunks.
  public var hash: String

  public init(
    name: String, file: Int, role: String, type: String, method: String, shape: [Int],
    sources: [Source], sums: ErrorSums, errorBound: Double?, counts: Counts,
    importance: Importance? = nil, calibration: Calibration? = nil, input: Input? = nil,
    isRotated: Bool = false, scaleExponents: [Int] = [],
    stored: [Stored] = [], offset: Int,
    byteCount: Int, parts: Int, chunkRows: Int, hash: String
  ) {
    self.name = name
    self.file = file
    self.role = role
    self.type = type
    self.method = method
    self.shape = shape
    self.sources = sources
    self.sums = sums
    self.errorBound = errorBound
    self.counts = counts
    self.importance = importance
    self.calibration = calibration
    self.input = input
    self.isRotated = isRotated
    self.scaleExponents = scaleExponents
    self.stored = stored
    self.offset = offset
    self.byteCount = byteCount
    self.parts = parts
    self.chunkRows = chunkRows
    self.hash = hash
  }

  /// Exact only where every value was equal and none had to be replaced. Rotated values are rounded
  /// before they are compared.
  public var classification: Class {
    if isRotated { return .measured }
    if sums.unequalCount == 0, counts.zeroedNonFinite == 0 { return .exact }
    if let errorBound, sums.maxAbsError <= errorBound, counts.zeroedNonFinite == 0 {
      return .bounded
    }
    return .measured
  }

  /// Elements of the tensor; the largest number where a shape claims more.
  public var elementCount: Int {
    shape.reduce(1) {
      let (product, overflow) = $0.multipliedReportingOverflow(by: $1)
      return overflow ? .max : product
    }
  }
}

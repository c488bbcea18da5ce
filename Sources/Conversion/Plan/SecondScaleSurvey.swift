import QuernCheckpoints
import QuernContainers
import QuernQuantization
import QuernTensors

/// Finds NVFP4's second scales: a power of two for each expert, or for a whole tensor, that brings the
/// scales of its blocks into the range of UE4M3.
///
/// The largest block scale is to be just within the format, so that small blocks keep the most bits:
/// UE4M3 has powers of two from 2^-9 to 2^8 and ends at 448; a block's values reach six times its
/// scale.
struct SecondScaleSurvey {
  let checkpoint: Checkpoint
  let pool: FilePool
  /// False where only the number of scales counts: all are 1 then.
  var readsData = true

  private static let largestBlockScale: Float = 448
  /// The one-pass rule makes 448 of what rounds to 256 or more.
  private static let largestRoundedBlockScale: Float = 240
  private static let largestCode: Float = 6
  /// Exponents of normal float32 numbers, so that dividing by the scale is exact.
  private static let exponents = -126...126

  /// Whether llama.cpp multiplies by a tensor's `.scale`: it loads one beside any weight, but only
  /// some graphs use it (src/models/*.cpp, `build_qkv` in src/llama-graph.cpp).
  static func isApplied(to name: String, architecture: String) -> Bool {
    let parts = name.split(separator: ".")
    guard parts.last == "weight" else { return false }
    let own = layerNumber(ofTensor: name) == nil ? parts.dropLast() : parts.dropFirst(2).dropLast()
    let attention = ["attn_q", "attn_k", "attn_v", "attn_output", "output"]
    let feedForward = ["ffn_gate", "ffn_up", "ffn_down"]
    switch architecture {
    case "llama", "qwen3": return (attention + feedForward).contains(own.joined(separator: "."))
    case "qwen2": return attention.contains(own.joined(separator: "."))
    case "deepseek4": return own.joined(separator: ".") == "nextn.eh_proj"
    default: return false
    }
  }

  /// The exponents of a tensor: one for each part of a stack, one for all else.
  func exponents(of tensor: PlannedTensor) throws(ConversionError) -> [Int] {
    var exponents: [Int] = []
    guard readsData else { return Array(repeating: 0, count: tensor.grid.parts) }
    for part in 0..<tensor.grid.parts {
      let isGrid = tensor.method == .gridAware
      exponents.append(
        isGrid ? try gridExponent(tensor, part: part) : try valueExponent(tensor, part: part))
    }
    return exponents
  }

  private static func clamped(_ exponent: Int) -> Int {
    min(max(exponent, exponents.lowerBound), exponents.upperBound)
  }

  /// Largest scale of FP4 blocks: it becomes 2^8.
  private func gridExponent(_ tensor: PlannedTensor, part: Int) throws(ConversionError) -> Int {
    var largest: UInt8 = 0
    try forEachChunk(tensor, part: part, readsCodes: false) { _, buffers, chunk in
      // 255 is a NaN: the conversion refuses it or makes it zero.
      let scales = buffers.sources.scales[..<chunk.scalesByteCount]
      largest = max(largest, scales.lazy.filter { $0 != 255 }.max() ?? 0)
    }
    return largest == 0 ? 0 : Self.clamped(Int(largest) - 127 - 8)
  }

  /// Largest |x|: the scale of its block becomes at most 448.
  private func valueExponent(_ tensor: PlannedTensor, part: Int) throws(ConversionError) -> Int {
    var largest: Float = 0
    let kernels = RowKernels.best
    let tileRows = max(1, WorkerBuffers.tileElementCount / max(1, tensor.rowLength))
    try forEachChunk(tensor, part: part, readsCodes: true) { _, buffers, chunk in
      let decoding = RowDecoding(
        kernels: kernels, buffers: buffers.sources, chunk: chunk, rowLength: tensor.rowLength)
      for first in stride(from: 0, to: chunk.rowCount, by: tileRows) {
        let rows = first..<min(first + tileRows, chunk.rowCount)
        decoding.decode(rows: rows, into: buffers.source)
        let tile = buffers.source[..<(rows.count * tensor.rowLength)]
        largest = max(largest, kernels.largestMagnitude(UnsafeBufferPointer(rebasing: tile)))
      }
    }
    return Self.exponent(ofLargest: largest, rounds: tensor.method == .absmax)
  }

  /// The smallest exponent e with largest ÷ 6 ÷ 2^e ≤ 448; 0 where there are only zeros.
  ///
  /// - Parameter rounds: for the one-pass rule, ≤ 240.
  static func exponent(ofLargest largest: Float, rounds: Bool = false) -> Int {
    guard largest > 0 else { return 0 }
    let bound =
      Double(rounds ? largestRoundedBlockScale : largestBlockScale) * Double(largestCode)
    let ratio = Double(largest) / bound
    let exponent = Int(ratio.exponent) + (ratio.significand > 1 ? 1 : 0)
    return clamped(exponent)
  }

  private func forEachChunk(
    _ tensor: PlannedTensor, part: Int, readsCodes: Bool,
    _ body: (Int, WorkerBuffers, SourceChunk) -> Void
  ) throws(ConversionError) {
    let buffers = WorkerBuffers(WorkerBuffers.Sizes([tensor], checkpoint: checkpoint))
    let first = part * tensor.grid.chunksPerPart
    for index in first..<first + tensor.grid.chunksPerPart {
      let chunk = SourceChunk(tensor, chunk: index, checkpoint: checkpoint)
      do throws(FileError) {
        try chunk.read(into: buffers.sources, checkpoint, pool, readsCodes: readsCodes)
      } catch { throw .file(error) }
      body(index, buffers, chunk)
    }
  }
}

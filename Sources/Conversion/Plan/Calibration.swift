import QuernCertificates
import QuernContainers
import QuernQuantization
import QuernTensors

/// Calibration statistics that `gptq` rounds with: a hashed input of the plan.
///
/// A verifier plans with what the certificate recorded, without the file: which experts have
/// statistics is known then, the statistics are not.
public struct Calibration: Sendable {
  /// What a plan must know of one tensor's statistics.
  package struct Facts: Equatable, Sendable {
    /// Experts that no token reached: their rows are encoded as `optimal` does.
    package let unseenExpertCount: Int
    package let order: GPTQFactor.Order
  }

  /// Name of the file, without its folder.
  public let fileName: String
  /// BLAKE3 of the whole file.
  public let hash: String
  private let content: Content
  /// Where the statistics of tensors stand that a runtime calls by other names than GGUF.
  private var names = InputNames()

  private enum Content: Sendable {
    case file(CalibrationFile)
    case recorded([TensorName: Int], [TensorName: StaticActivation])
  }

  /// Opens a file, checks every matrix in it and hashes it.
  ///
  /// - Throws: `ConversionError.data` for a malformed one, `.file` when it cannot be read.
  public init(path: String) throws(ConversionError) {
    do throws(CalibrationError) {
      let file = try CalibrationFile(path: path)
      try file.checkMatrices()
      content = .file(file)
      do throws(FileError) { hash = try file.file.hash() } catch { throw .unreadable(error) }
    } catch { throw ConversionError(error) }
    fileName = path.split(separator: "/").last.map(String.init) ?? path
  }

  /// The statistics that a certificate recorded.
  package init?(_ certificate: Certificate) {
    guard let calibration = certificate.calibration else { return nil }
    (fileName, hash) = (calibration.name, calibration.hash)
    var counts: [TensorName: Int] = [:]
    for row in certificate.rows {
      counts[TensorName(row.name)] = row.calibration?.unseenExpertCount
    }
    var activations: [TensorName: StaticActivation] = [:]
    for row in certificate.rows {
      guard let input = row.input else { continue }
      activations[TensorName(row.name)] = StaticActivation(
        scale: input.scale, offset: input.offset)
    }
    content = .recorded(counts, activations)
  }
}

// MARK: - Tensors

extension Calibration {
  /// The same statistics for tensors of other names.
  func named(by names: InputNames) -> Calibration {
    var result = self
    result.names = names
    return result
  }

  /// What there is for an output tensor.
  ///
  /// - Throws: `ConversionError.data` where there is nothing, or where it is not for the tensor's
  ///   columns and experts.
  func facts(
    _ name: String, rowLength: Int, expertCount: Int, format: NumberFormat,
    order: GPTQFactor.Order
  ) throws(ConversionError) -> Facts {
    switch content {
    case .recorded(let counts, _):
      guard let count = counts[TensorName(name)] else {
        throw problem(name, found: "no statistics", expected: "those that gptq rounded with")
      }
      return Facts(unseenExpertCount: count, order: order)
    case .file(let file):
      let entry = try entry(name, in: file)
      let isShared = entry.counts.count == 1
      guard entry.columnCount == rowLength, isShared || entry.counts.count == expertCount else {
        throw problem(
          name, found: "\(entry.columnCount) columns, \(entry.counts.count) counts",
          expected: "\(rowLength) columns"
            + (expertCount > 1 ? " for each of \(expertCount) experts or for all" : ", 1 count"),
          hint: "are they the statistics of this model?")
      }
      guard entry.widths.allSatisfy({ $0 % format.blockElements == 0 }) else {
        throw problem(
          name, found: "matrices for \(entry.widths) columns",
          expected: "whole blocks of \(format.ggmlName), \(format.blockElements) columns each")
      }
      let unseenCount = entry.counts.count { $0 == 0 }
      return Facts(
        unseenExpertCount: isShared ? unseenCount * expertCount : unseenCount, order: order)
    }
  }

  /// How the inputs of a weight become integers from −128 to 127, by the range they have. 0 is in it,
  /// so that an input of 0 stays 0. The scale is a number of BF16, rounded up: a runtime loads it into
  /// one, and products are scaled back by what is computed here.
  ///
  /// - Throws: `ConversionError.data` where the range is not known.
  func staticActivation(of name: String) throws(ConversionError) -> StaticActivation {
    switch content {
    case .recorded(_, let activations):
      if let activation = activations[TensorName(name)] { return activation }
      throw problem(name, found: "no range", expected: "the range of its inputs")
    case .file(let file):
      let range = file.entries[TensorName(name)]?.range
      guard let range = range ?? file.entries[TensorName(names[name]?.name ?? name)]?.range else {
        throw problem(name, found: "no range", expected: "the range of its inputs, NAME.range")
      }
      let (low, high) = (min(range.lowerBound, 0), max(range.upperBound, 0))
      let scale = Float(
        bitPattern: ((high / 255 - low / 255).bitPattern &+ 0xFFFF) & 0xFFFF_0000)
      guard scale.isNormal else {
        throw problem(
          name, found: "inputs from \(low) to \(high)", expected: "a range that is not empty")
      }
      let offset = Int(min(max((-low / scale).rounded(.toNearestOrEven) - 128, -128), 127))
      return StaticActivation(scale: scale, offset: offset)
    }
  }

  /// The statistics of a tensor that was planned with them, and the file they are in.
  func statistics(of name: String) throws(ConversionError)
    -> (entry: CalibrationFile.Entry, file: CalibrationFile)
  {
    guard case .file(let file) = content else {
      throw problem(name, found: "a record of statistics", expected: "their file")
    }
    return (try entry(name, in: file), file)
  }

  private func entry(_ name: String, in file: CalibrationFile) throws(ConversionError)
    -> CalibrationFile.Entry
  {
    guard let entry = file.entries[TensorName(name)] else {
      throw problem(
        name, found: "no such entry", expected: "statistics of its inputs, for method gptq")
    }
    return entry
  }

  private func problem(_ name: String, found: String, expected: String, hint: String? = nil)
    -> ConversionError
  {
    let path = if case .file(let file) = content { file.path } else { fileName }
    return .data(
      InputProblem(file: path, tensor: name, found: found, expected: expected, hint: hint))
  }
}

extension ConversionError {
  init(_ error: CalibrationError) {
    switch error {
    case .unreadable(let error):
      self =
        error.kind == .notFound
        ? .checkpoint(.notFound(path: error.path, hint: "expected calibration statistics"))
        : .file(error)
    case .malformed(let problem): self = .data(problem)
    }
  }
}

import QuernCertificates
import QuernCheckpoints
import QuernContainers
import QuernTensors

/// Importance data that a plan weights errors with: a hashed input of it.
///
/// A verifier plans with what the certificate recorded, without the file: which tensors have data is
/// known then, the weights are not.
public struct Importance: Sendable {
  /// What a plan must know of one tensor's data.
  package struct Facts: Equatable, Sendable {
    /// Experts that no token reached: their weights are all 1.
    package let unseenExpertCount: Int
  }

  /// Name of the file, without its folder.
  public let fileName: String
  /// BLAKE3 of the whole file.
  public let hash: String
  private let content: Content
  /// Where the data of tensors stand that a runtime calls by other names than GGUF.
  private var names = InputNames()

  private enum Content: Sendable {
    case file(ImatrixFile)
    case recorded([TensorName: Facts])
  }

  /// Opens an imatrix, GGUF or `.dat`, checks and hashes it.
  ///
  /// - Throws: `ConversionError.data` for a malformed one, `.file` when it cannot be read.
  public init(path: String) throws(ConversionError) {
    let imatrix: ImatrixFile
    do throws(ImatrixError) {
      imatrix = try ImatrixFile(path: path)
    } catch { throw ConversionError(error) }
    do throws(FileError) {
      hash = try imatrix.file.hash()
    } catch { throw .file(error) }
    content = .file(imatrix)
    fileName = path.split(separator: "/").last.map(String.init) ?? path
  }

  /// The importance that a certificate recorded.
  package init?(_ certificate: Certificate) {
    guard let imatrix = certificate.imatrix else { return nil }
    (fileName, hash) = (imatrix.name, imatrix.hash)
    var facts: [TensorName: Facts] = [:]
    for row in certificate.rows {
      guard let importance = row.importance else { continue }
      facts[TensorName(row.name)] = Facts(unseenExpertCount: importance.unseenExpertCount)
    }
    content = .recorded(facts)
  }
}

// MARK: - Tensors

extension Importance {
  /// The same data for tensors of other names.
  func named(by names: InputNames) -> Importance {
    var result = self
    result.names = names
    return result
  }

  /// What there is for an output tensor; nil where there is nothing.
  ///
  /// - Throws: `ConversionError.data` where the numbers are not those of the tensor's columns.
  func facts(_ name: String, rowLength: Int, expertCount: Int) throws(ConversionError) -> Facts? {
    switch content {
    case .recorded(let facts): return facts[TensorName(name)]
    case .file(let file):
      let place = place(of: name, expertCount)
      guard let entry = file.entry(named: TensorName(place.name)) else { return nil }
      let (expected, overflow) = rowLength.multipliedReportingOverflow(by: place.partCount)
      let hasCounts = entry.counts.count == 1 || entry.counts.count == place.partCount
      guard !overflow, entry.valueCount == expected, hasCounts else {
        throw .data(
          InputProblem(
            file: file.path, tensor: entry.name.text, field: "values",
            found: "\(entry.valueCount) values and \(entry.counts.count) counts",
            expected: "\(rowLength) columns"
              + (place.partCount > 1 ? " for each of \(place.partCount) experts" : ""),
            hint: "is it the imatrix of this model?"))
      }
      do throws(ImatrixError) {
        return Facts(
          unseenExpertCount: try file.unseenPartCount(
            entry, parts: place.parts, of: place.partCount))
      } catch { throw ConversionError(error) }
    }
  }

  /// The weights of the columns of one expert's rows.
  func weights(_ name: String, expert: Int, of expertCount: Int) throws(ConversionError)
    -> [Float]
  {
    let place = place(of: name, expertCount)
    guard case .file(let file) = content, let entry = file.entry(named: TensorName(place.name))
    else {
      preconditionFailure("a tensor that was planned with weights has none")
    }
    do throws(ImatrixError) {
      return try file.weights(
        entry, part: place.parts.lowerBound + expert, of: place.partCount)
    } catch { throw ConversionError(error) }
  }

  private func place(of name: String, _ expertCount: Int) -> InputNames.Place {
    names[name] ?? InputNames.Place(name: name, parts: 0..<expertCount, partCount: expertCount)
  }

  /// Refuses data for another model; counts entries that this one has no use for.
  ///
  /// - Returns: a warning, or nil where every entry is for a tensor of the plan.
  func check(against names: Set<TensorName>) throws(ConversionError) -> String? {
    guard case .file(let file) = content else { return nil }
    let known = names.union(self.names.all.map { TensorName($0) })
    let others = file.entries.filter { !known.contains($0.name) }
    guard let first = others.first else { return nil }
    guard others.count < file.entries.count else {
      throw .data(
        InputProblem(
          file: file.path, tensor: first.name, field: "name",
          found: "entries for tensors of another model alone",
          expected: "entries for tensors of this model"))
    }
    return "\(fileName.escapedForDisplay): \(others.count) of \(file.entries.count) entries are "
      + "for no tensor of this model, such as \(first.name.text.escapedForDisplay)"
  }
}

extension ConversionError {
  init(_ error: ImatrixError) {
    switch error {
    case .unreadable(let error):
      self =
        error.kind == .notFound
        ? .checkpoint(.notFound(path: error.path, hint: "expected an imatrix")) : .file(error)
    case .malformed(let problem): self = .data(problem)
    }
  }
}

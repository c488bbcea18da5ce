import QuernContainers
import QuernQuantization

/// How far importance data reach in a plan.
public struct ImportanceSummary: Equatable, Sendable {
  /// Tensors whose errors are weighted.
  public private(set) var weightedTensorCount = 0
  /// Names of those that would be, if the imatrix had data for them.
  public private(set) var tensorsWithoutData: [String] = []
  /// Experts of the weighted tensors that no token reached: their columns all count the same.
  public private(set) var unseenExpertCount = 0

  init(_ tensors: [PlannedTensor]) {
    for tensor in tensors where tensor.shape.rank > 1 {
      if let importance = tensor.importance {
        weightedTensorCount += 1
        unseenExpertCount += importance.unseenExpertCount
        continue
      }
      switch tensor.method {
      case .optimal, .gptq: tensorsWithoutData.append(tensor.name)
      case .gridAware where tensor.expectation != .exact: tensorsWithoutData.append(tensor.name)
      case .gridAware, .copy, .cast, .absmax, .ggml: break
      }
    }
  }

  /// One line for people.
  public var text: String {
    var parts = ["\(weightedTensorCount) tensors weighted"]
    if let first = tensorsWithoutData.first {
      parts.append("\(tensorsWithoutData.count) without data, such as \(first.escapedForDisplay)")
    }
    if unseenExpertCount > 0 { parts.append("\(unseenExpertCount) experts without data") }
    return parts.joined(separator: ", ")
  }
}

extension ConversionPlan {
  /// Nil where there is no imatrix.
  public var importanceSummary: ImportanceSummary? {
    importance == nil ? nil : ImportanceSummary(tensors)
  }
}

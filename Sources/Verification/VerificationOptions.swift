import QuernContainers
import QuernConversion

/// How a verification runs.
public struct VerificationOptions: Sendable {
  public var threadCount: Int
  /// Counts the bytes that were checked, output and source together, and can stop the run.
  public var control: RunControl
  /// A safetensors file of activations to multiply weights with: [tokens, inputs], each named as its
  /// weight. Others are multiplied with random numbers.
  public var activationsPath: String?

  public init(
    threadCount: Int = 2, control: RunControl = RunControl(),
    activationsPath: String? = nil
  ) {
    self.threadCount = threadCount
    self.control = control
    self.activationsPath = activationsPath
  }
}

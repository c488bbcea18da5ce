import QuernConversion

/// How a verification runs; nothing of it changes what is found.
public struct VerificationOptions: Sendable {
  public var threadCount: Int
  /// Counts the bytes that were checked, output and source together, and can stop the run.
  public var control: ConversionControl

  public init(threadCount: Int = 2, control: ConversionControl = ConversionControl()) {
    self.threadCount = threadCount
    self.control = control
  }
}

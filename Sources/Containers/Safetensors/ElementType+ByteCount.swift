import QuernTensors

extension ElementType {
  /// Bytes of that many packed elements, or nil when they do not fill whole bytes or do not fit.
  package func checkedByteCount(elementCount: Int) -> Int? {
    let (bitCount, overflow) = elementCount.multipliedReportingOverflow(by: bitWidth)
    if !overflow { return bitCount % 8 == 0 ? bitCount / 8 : nil }
    // Too many bits to count may still be few enough bytes.
    guard bitWidth % 8 == 0 else { return nil }
    let (byteCount, isTooLarge) = elementCount.multipliedReportingOverflow(by: bitWidth / 8)
    return isTooLarge ? nil : byteCount
  }
}

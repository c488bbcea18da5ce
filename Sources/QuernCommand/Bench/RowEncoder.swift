/// Encodes the rows of a signal to one type in every way there is.
protocol RowEncoder {
  var type: EncodedType { get }
  /// Every way that the type and the signal allow.
  var ways: [EncodeMeasurement.Way] { get }
  /// Bytes of one encoded row.
  var rowByteCount: Int { get }

  func encode(_ way: EncodeMeasurement.Way, row: Int, into out: UnsafeMutableRawBufferPointer)
  /// Decodes all rows by the reference decoder.
  func decode(_ bytes: UnsafeRawBufferPointer, into values: UnsafeMutableBufferPointer<Float>)
  /// What decoded values have to be multiplied by.
  func secondScale(_ way: EncodeMeasurement.Way) -> Float
}

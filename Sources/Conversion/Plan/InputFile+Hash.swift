import QuernCertificates
import QuernContainers
import QuernTensors

extension InputFile {
  /// BLAKE3 of the whole file, read in pieces.
  func hash() throws(FileError) -> String {
    var hash = IncrementalHash()
    let step = 4 << 20
    for start in stride(from: 0, to: byteCount, by: step) {
      hash.update(
        try bytes(in: ByteRange(offset: start, byteCount: min(step, byteCount - start))))
    }
    return hash.finish().hexadecimal
  }
}

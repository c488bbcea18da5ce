/// Recognises, by its first bytes, a file that is something else than its name says.
enum FileSignature {
  /// Bytes that a recognition needs at most.
  static let byteCount = 64

  /// What the file probably is and what to do about it, or nil for bytes that say nothing.
  static func hint(for start: [UInt8]) -> String? {
    for (signature, hint) in known where start.starts(with: signature) { return hint }
    let text = String(decoding: start.prefix(16), as: UTF8.self).lowercased()
    if text.hasPrefix("<!doctype") || text.hasPrefix("<html") || text.hasPrefix("<?xml") {
      return "this is a web page, probably an error page of the download; download the file again"
    }
    if start.count >= 8, start.prefix(8).allSatisfy({ $0 == 0 }) {
      return "the file starts with zeros, probably an upload or download that failed"
    }
    return nil
  }

  private static let pickle =
    "this is a PyTorch pickle, which can run code and is not read; convert it to safetensors first"

  private static let known: [([UInt8], String)] = [
    (Array("GGUF".utf8), "this is a GGUF file"),
    (
      Array("PK\u{3}\u{4}".utf8),
      "this is a zip archive; if it is a checkpoint of PyTorch, \(pickle)"
    ),
    ([0x80, 0x02], pickle), ([0x80, 0x03], pickle), ([0x80, 0x04], pickle), ([0x80, 0x05], pickle),
    ([0x1f, 0x8b], "this is gzip-compressed; decompress it first"),
    ([0x28, 0xb5, 0x2f, 0xfd], "this is zstd-compressed; decompress it first"),
    (
      Array("version https://git-lfs".utf8),
      "this is a Git LFS pointer, not the file itself; fetch it with `git lfs pull`"
    ),
    (
      Array("version https://hawser".utf8),
      "this is a Git LFS pointer; fetch it with `git lfs pull`"
    ),
    (Array("ggjt".utf8), "this is a GGML file of before GGUF"),
    ([0x93] + Array("NUMPY".utf8), "this is a NumPy array file"),
  ]
}

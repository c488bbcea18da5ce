import QuernCheckpoints
import QuernContainers

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

// Turns texts into token ids for `compare_tokenizers.py`: the folder of a tokenizer or a GGUF file as
// the one argument; texts on standard input and their ids on standard output, each as a 32-bit
// little-endian count (of bytes, of ids) and what it counts.

/// That many bytes of standard input, nil at its end.
func input(_ count: Int) -> [UInt8]? {
  var bytes = [UInt8](repeating: 0, count: count)
  var done = 0
  while done < count {
    let size = bytes.withUnsafeMutableBytes { read(0, $0.baseAddress! + done, count - done) }
    guard size > 0 else { return nil }
    done += size
  }
  return bytes
}

func output(_ bytes: [UInt8], to descriptor: Int32 = 1) {
  var done = 0
  while done < bytes.count {
    let size = bytes[done...].withUnsafeBytes { write(descriptor, $0.baseAddress, $0.count) }
    guard size > 0 else { exit(74) }
    done += size
  }
}

func word(_ bytes: [UInt8]) -> Int { (0..<4).reduce(0) { $0 | Int(bytes[$1]) << (8 * $1) } }

func tokenizer(_ path: String) throws -> TextTokenizer {
  guard path.hasSuffix(".gguf") else { return try TextTokenizer(folder: path) }
  return try TextTokenizer(gguf: GGUFFile(path: path).keyValues, file: path)
}

do {
  let tokenizer = try tokenizer(CommandLine.arguments.dropFirst().first ?? ".")
  while let size = input(4), let text = input(word(size)) {
    let ids = try tokenizer.encode(text)
    let words = ([UInt32(ids.count)] + ids).map(\.littleEndian)
    output(words.withUnsafeBytes { Array($0) })
  }
} catch {
  output(Array("\(error)\n".utf8), to: 2)
  exit(1)
}

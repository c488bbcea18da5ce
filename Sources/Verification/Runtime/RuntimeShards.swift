import QuernContainers
import QuernTensors

/// The weights of a folder as vLLM finds them: the tensors of every `.safetensors` file.
struct RuntimeShards {
  struct Entry {
    /// Position among `files`.
    let file: Int
    let tensor: SafetensorsTensor
  }

  private(set) var names: [String] = []
  private(set) var files: [InputFile] = []
  private(set) var entries: [TensorName: Entry] = [:]
  private(set) var failures: [VerificationReport.Failure] = []

  init(_ folder: String, names all: [String]) throws(VerificationError) {
    for name in all.sorted() where name.hasSuffix(".safetensors") {
      let file: InputFile
      do throws(FileError) {
        file = try InputFile(path: folder + "/" + name)
      } catch { throw .file(error) }
      do throws(SafetensorsError) {
        add(try SafetensorsFile(file).tensors, file, name)
      } catch {
        switch error {
        case .unreadable(let problem): throw .file(problem)
        case .malformed(let defect):
          fail(
            name, tensor: defect.tensor,
            found: (defect.field.map { "\($0): " } ?? "") + defect.found,
            expected: defect.expected)
        }
      }
    }
  }

  private mutating func add(_ tensors: [SafetensorsTensor], _ file: InputFile, _ name: String) {
    for tensor in tensors {
      if let other = entries[tensor.name] {
        fail(
          name, tensor: tensor.name.text, found: "a tensor that \(names[other.file]) has as well",
          expected: "every tensor in one file")
        continue
      }
      entries[tensor.name] = Entry(file: files.count, tensor: tensor)
    }
    files.append(file)
    names.append(name)
  }

  private mutating func fail(
    _ file: String, tensor: String?, found: String, expected: String
  ) {
    failures.append(
      .init(file: file, tensor: tensor, what: "tensors", found: found, expected: expected))
  }

  subscript(name: String) -> Entry? { entries[TensorName(name)] }

  /// The file that holds a tensor.
  func file(of name: String) -> String? { self[name].map { names[$0.file] } }

  /// The numbers of a small tensor, as floats; nil where it has another type or more than a few.
  func numbers(_ entry: Entry) throws(VerificationError) -> [Float]? {
    let (type, count) = (entry.tensor.elementType, entry.tensor.shape.elementCount)
    guard [.f32, .f16, .bf16, .i8].contains(type), count <= 16 else { return nil }
    let bytes: [UInt8]
    do throws(FileError) {
      bytes = try files[entry.file].bytes(in: entry.tensor.range)
    } catch { throw .file(error) }
    return bytes.withUnsafeBytes { bytes in
      (0..<count).map { index in
        type == .i8
          ? Float(Int8(bitPattern: bytes[index])) : IntegerTile.number(bytes, type, at: index)
      }
    }
  }
}

import QuernContainers
import QuernConversion

/// Files of a folder that its certificate does not name and a runtime would read all the same.
struct RuntimeStrays {
  private(set) var failures: [VerificationReport.Failure] = []

  init(_ location: OutputLocation, named names: [String], target: String)
    throws(VerificationError)
  {
    let found: [String]
    do throws(FileError) {
      found = try FileSystem.list(location.folder)
    } catch { throw .file(error) }
    for name in found.sorted() where !names.contains(name) {
      if name.hasSuffix(".safetensors") {
        failures.append(
          .init(
            file: name, tensor: nil, what: "file", found: "weights that no certificate names",
            expected: "none: vLLM reads every .safetensors file of the folder"))
      } else if name == AscendNames.filteringIndex, target == ConversionTarget.ascend.rawValue {
        failures.append(
          .init(
            file: name, tensor: nil, what: "file", found: "an index of this name",
            expected: "none: vLLM would read no shards but those it lists"))
      }
    }
  }
}

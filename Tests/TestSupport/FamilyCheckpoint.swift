import Foundation
import QuernContainers
import QuernTensors

extension CheckpointBuilder {
  /// The model of `testdata/families` under this name, its tensors filled with small numbers.
  package init(family: String) throws {
    self.init()
    let source = TestData.url("families/\(family)")
    let text = [UInt8](try Data(contentsOf: source.appending(path: "tensors.json")))
    for entry in (try JSONValue(parsing: text).array ?? []).compactMap(\.object) {
      let shape = (entry["shape"]?.array ?? []).compactMap(\.integer)
      guard let type = ElementType(rawValue: entry["dtype"]?.string ?? "") else {
        throw CocoaError(.coderInvalidValue)
      }
      let values = (0..<shape.reduce(1, *)).map { Float($0 % 251) / 64 }
      tensors.append(.init(entry["name"]?.string ?? "", type, shape, [UInt8](bf16: values)))
    }
    for name in ["config.json", "generation_config.json"] {
      files[name] = [UInt8](try Data(contentsOf: source.appending(path: name)))
    }
  }
}

import QuernContainers

/// The members of one object in a file, each with its path for errors.
struct JSONFields {
  let file: String
  /// Of the object: `layers[3].router`; empty for the outermost.
  let path: String
  private let object: JSONObject

  init(_ object: JSONObject, file: String, path: String = "") {
    self.object = object
    self.file = file
    self.path = path
  }

  func has(_ key: String) -> Bool { object[key] != nil }

  func text(_ key: String) throws(InputProblem) -> String {
    guard let text = object[key]?.string else { throw problem(key, "a text") }
    return text
  }

  func count(_ key: String) throws(InputProblem) -> Int {
    guard let count = object[key]?.integer, count >= 0 else {
      throw problem(key, "a count of at least 0")
    }
    return count
  }

  func number(_ key: String, in range: ClosedRange<Double>) throws(InputProblem) -> Double {
    guard let number = object[key]?.real, range.contains(number) else {
      let (low, high) = (range.lowerBound, range.upperBound)
      let least = low == -.greatestFiniteMagnitude ? "" : " of at least \(low)"
      let bounds = high == .greatestFiniteMagnitude ? least : " from \(low) to \(high)"
      throw problem(key, "a number" + bounds)
    }
    return number
  }

  func fields(_ key: String) throws(InputProblem) -> JSONFields {
    guard let object = object[key]?.object else { throw problem(key, "an object") }
    return JSONFields(object, file: file, path: place(key))
  }

  /// - Parameter limit: the most objects that the array may hold.
  func list(_ key: String, limit: Int) throws(InputProblem) -> [JSONFields] {
    guard let array = object[key]?.array, array.count <= limit else {
      throw problem(key, "an array of at most \(limit) objects")
    }
    var list: [JSONFields] = []
    for (index, value) in array.enumerated() {
      let path = place(key) + "[\(index)]"
      guard let object = value.object else {
        throw InputProblem(file: file, field: path, found: value.summary, expected: "an object")
      }
      list.append(JSONFields(object, file: file, path: path))
    }
    return list
  }

  func problem(_ key: String, _ expected: String) -> InputProblem {
    InputProblem(
      file: file, field: place(key), found: object[key]?.summary ?? "nothing", expected: expected)
  }

  private func place(_ key: String) -> String { path.isEmpty ? key : path + "." + key }
}

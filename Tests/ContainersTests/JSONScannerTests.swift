import QuernContainers
import Testing

struct JSONScannerTests {
  private func parse(_ text: String, _ dialect: JSONScanner.Dialect = .strict) throws -> JSONValue {
    try JSONValue(parsing: Array(text.utf8), dialect: dialect)
  }

  @Test(arguments: [
    ("null", JSONValue.null), (" true\n", .bool(true)), ("false", .bool(false)),
    ("0", .integer(0)), ("-0", .integer(0)), ("-12", .integer(-12)),
    ("9223372036854775807", .integer(.max)), ("-9223372036854775808", .integer(.min)),
    ("9223372036854775808", .real(9_223_372_036_854_775_808)), ("1.0", .real(1)),
    ("1e2", .real(100)),
    ("-1.5E-3", .real(-0.0015)), ("1e-999", .real(0)),
    ("\"\"", .string("")), ("\"a\\\"\\\\\\/\\b\\f\\n\\r\\t\"", .string("a\"\\/\u{8}\u{c}\n\r\t")),
    ("\"\\u00e9\\u4E2D\\ud83d\\ude00\\u0000\"", .string("é中😀\0")), ("\"😀\"", .string("😀")),
    ("[]", .array([])),
    ("[1, [2 ,3]]", .array([.integer(1), .array([.integer(2), .integer(3)])])),
  ])
  func readsValues(text: String, value: JSONValue) throws {
    #expect(try parse(text) == value)
  }

  @Test func keepsMembersInOrder() throws {
    let object = try #require(try parse("{\"b\": 1, \"a\": {\"b\": null}, \"\": []}").object)
    #expect(object.members.map(\.key) == ["b", "a", ""])
    #expect(object["b"] == .integer(1))
    #expect(object["c"] == nil)
  }

  /// One broken rule each, in the manner of JSONTestSuite.
  @Test(arguments: [
    "", " ", "[", "]", "{", "}", "[1", "[1,", "[1,]", "[,1]", "[1 2]", "[1,,2]", "[1}", "{\"a\"}",
    "{\"a\":}", "{\"a\":1,}", "{,}", "{a:1}", "{'a':1}", "{1:1}", "{\"a\":1 \"b\":2}",
    "{\"a\" 1}", "{\"a\"::1}", "{\"a\":1]", "1 2", "{} x", "nul", "nulll", "True", "tru",
    "NaN", "Infinity", "-Infinity", "+1", "01", "-01", "00", ".5", "1.", "1.e2", "1e", "1e+", "-",
    "--1", "0x10", "1_000", "1e999", "-1e999", "1a", "\"", "\"a", "\"\\\"", "\"\\x\"", "\"\\u12\"",
    "\"\\u12g4\"", "\"\\ud800\"", "\"\\ud800x\"", "\"\\ud800\\n\"", "\"\\ud800\\u0041\"",
    "\"\\udc00\"", "\"\\", "\"\\u", "\"\t\"", "\"\n\"", "\"\0\"", "\u{feff}{}", "// a\n1",
    "/* a */ 1", "[1] // a", "\u{a0}1", "{\"a\":1,\"a\":1}", "{\"a\":{\"b\":1,\"b\":2}}",
    "{\"a\":1,\"\\u0061\":2}",
  ])
  func refusesWhatIsNotStrictJSON(text: String) {
    #expect(throws: JSONError.self) { try parse(text) }
    #expect(throws: JSONError.self) {
      var scanner = JSONScanner(Array(text.utf8))
      try scanner.skipValue()
      try scanner.end()
    }
  }

  @Test(
    arguments: [
      [0x22, 0xff, 0x22], [0x22, 0xc0, 0xaf, 0x22], [0x22, 0xed, 0xa0, 0x80, 0x22],
      [0x22, 0xf4, 0x90, 0x80, 0x80, 0x22], [0x22, 0xe2, 0x82, 0x22], [0x22, 0x80, 0x22],
      [0x7b, 0x22, 0xff, 0x22, 0x3a, 0x31, 0x7d],
    ] as [[UInt8]])
  func refusesStringsThatAreNotUTF8(bytes: [UInt8]) {
    #expect(throws: JSONError.self) { try JSONValue(parsing: bytes) }
  }

  @Test func keysAreComparedByTheirBytes() throws {
    let object = try #require(try parse("{\"e\\u0301\": 1, \"\\u00e9\": 2}").object)
    #expect(object.members.count == 2)
    #expect(object["\u{e9}"] == .integer(2))
    #expect(object["e\u{301}"] == .integer(1))
  }

  @Test(arguments: [2, 8, 9, 10, 33, 1000])
  func aDuplicateIsFoundAmongAnyNumberOfKeys(count: Int) throws {
    let keys = (0..<count).map { "\"key \($0)\": {\"key 0\": 0}" }
    let object = try #require(try parse("{" + keys.joined(separator: ",") + "}").object)
    #expect(object.members.count == count)
    for key in [keys[0], keys[count / 2], keys[count - 1]] {
      #expect(throws: JSONError.self) {
        try parse("{" + (keys + [key]).joined(separator: ",") + "}")
      }
    }
  }

  @Test(arguments: ["1.0", "1e0", "\"1\"", "true", "null", "9223372036854775808", "[1]"])
  func anIntegerIsWrittenAsOne(text: String) {
    var scanner = JSONScanner(Array(text.utf8))
    #expect(throws: JSONError.self) { try scanner.integer() }
  }

  @Test func nestingIsBounded() throws {
    let depth = JSONScanner.maximumDepth
    _ = try parse(String(repeating: "[", count: depth) + String(repeating: "]", count: depth))
    for opening in ["[", "{\"a\":"] {
      #expect(throws: JSONError.self) { try parse(String(repeating: opening, count: 1_000_000)) }
    }
  }

  @Test(arguments: [
    ("[1, 01]", 4), ("{\"a\":1,\"a\":2}", 7), ("[1}", 2), ("  x", 2), ("[\"\\x\"]", 2),
  ])
  func errorsNameTheByte(text: String, offset: Int) {
    #expect {
      try parse(text)
    } throws: { error in
      (error as? JSONError)?.byteOffset == offset
    }
  }

  @Test func peopleMayCommentAndUseBareKeys() throws {
    let text = """
      // a recipe
      { rules: [ /* none */ { match: "*", type: "f32", }, ], extends: "q8_0", $a_1: 1 } // end
      """
    let object = try #require(try parse(text, .relaxed).object)
    #expect(object.members.map(\.key) == ["rules", "extends", "$a_1"])
    #expect(object["rules"]?.array?.first?.object?["type"] == .string("f32"))
  }

  @Test(arguments: [
    "{a:1,a:2}", "{a:1,,}", "[,]", "{a b:1}", "{a:'x'}", "{a:01}", "/* open", "/* open *", "/",
    "/x",
    "{a-b:1}", "[1] 2", "",
  ])
  func theRelaxedDialectIsStrictInTheRest(text: String) {
    #expect(throws: JSONError.self) { try parse(text, .relaxed) }
  }

  @Test func messagesEscapeWhatTheyQuote() {
    #expect {
      try parse("{\"\\u001b[2J\":1,\"\\u001b[2J\":2}")
    } throws: { error in
      "\(error)" == "byte 15: duplicate key \"\\u{1b}[2J\""
    }
  }
}

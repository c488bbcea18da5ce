import QuernContainers
import Testing

struct JSONWriterTests {
  private func text(_ body: (inout JSONWriter) -> Void) -> String {
    var writer = JSONWriter()
    body(&writer)
    return String(decoding: writer.bytes, as: UTF8.self)
  }

  @Test func putsMembersOnLinesOrOnOne() {
    let text = text { writer in
      writer.beginObject()
      writer.key("a")
      writer.integer(-1)
      writer.key("rows")
      writer.beginArray()
      for name in ["x", "y"] {
        writer.beginObject(.inline)
        writer.key("name")
        writer.string(name)
        writer.key("ok")
        writer.bool(true)
        writer.end()
      }
      writer.end()
      writer.key("none")
      writer.beginArray()
      writer.end()
      writer.end()
    }
    #expect(
      text == """
        {
         "a": -1,
         "rows": [
          {"name": "x", "ok": true},
          {"name": "y", "ok": true}
         ],
         "none": []
        }

        """)
  }

  @Test func escapesWhatJSONMustAndNothingElse() {
    let value = "a\"\\/\u{8}\n\t\r\u{1f}\u{7f}é😀\u{2028}"
    let text = text { $0.string(value) }
    #expect(text == "\"a\\\"\\\\/\\u0008\\n\\t\\r\\u001f\u{7f}é😀\u{2028}\"")
    #expect((try? JSONValue(parsing: Array(text.utf8))) == .string(value))
  }

  @Test(arguments: [
    0, 0.1, -1.5e300, .leastNonzeroMagnitude, .greatestFiniteMagnitude, 1, 1e16, 123456789.123,
  ])
  func realsReadBackExactly(value: Double) throws {
    let text = text { $0.real(value) }
    #expect(try JSONValue(parsing: Array(text.utf8)).real == value)
  }

  @Test(arguments: [Double.nan, .infinity, -.infinity])
  func whatIsNotFiniteIsNull(value: Double) {
    #expect(text { $0.real(value) } == "null")
  }

  @Test func drainingLeavesTheRestInPlace() {
    var writer = JSONWriter()
    writer.beginArray(.inline)
    writer.integer(1)
    let start = writer.drain()
    writer.integer(2)
    writer.end()
    #expect(String(decoding: start + writer.bytes, as: UTF8.self) == "[1, 2]\n")
  }

  @Test func treesReadBackEqual() throws {
    let source = "{\"a\": [1, 2.5, null, true], \"b\": {\"c\": \"\"}}"
    let value = try JSONValue(parsing: Array(source.utf8))
    var writer = JSONWriter()
    writer.value(value)
    #expect(String(decoding: writer.bytes, as: UTF8.self) == source + "\n")
  }
}

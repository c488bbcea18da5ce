import Testing

@testable import QuernVerification

struct HTMLWriterTests {
  @Test(arguments: [
    ("<script>alert(1)</script>", "&lt;script&gt;alert(1)&lt;/script&gt;"),
    ("a\"b'c&d", "a&quot;b&#39;c&amp;d"), ("&amp;", "&amp;amp;"),
    ("\u{202e}gnp.exe", "\\u{202e}gnp.exe"), ("a\u{61c}b", "a\\u{61c}b"),
    ("a\0b\n", "a\\u{0}b\\u{a}"),
    ("\u{2066}x\u{2069}", "\\u{2066}x\\u{2069}"), ("שלום", "שלום"), ("", ""),
  ])
  func textIsEscapedInContentAndAttributes(text: String, escaped: String) {
    var html = HTMLWriter()
    html.element("p", ["title": text], text)
    #expect(html.html == "<p title=\"\(escaped)\">\(escaped)</p>")
  }

  @Test func elementsCloseInTheOrderTheyOpened() {
    var html = HTMLWriter()
    html.element("div") { html in
      html.element("b", "x")
      html.empty("br")
    }
    #expect(html.html == "<div><b>x</b><br/></div>")
  }

  @Test func aNameIsCutAndKeepsItsDirection() {
    var html = HTMLWriter()
    html.name(String(repeating: "x", count: 100_000))
    #expect(html.html.count < 300)
    #expect(html.html.hasPrefix("<bdi>xxx") && html.html.hasSuffix("x…</bdi>"))
  }

  @Test func aNameMayBeBrokenWhereItsPartsEnd() {
    var html = HTMLWriter()
    html.name("blk.0.<")
    #expect(html.html == "<bdi>blk.<wbr/>0.<wbr/>&lt;</bdi>")
  }
}

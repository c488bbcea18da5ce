import QuernConversion
import Testing

struct GlobTests {
  @Test(arguments: [
    ("", "", true), ("", "a", false), ("*", "", true), ("*", "any.thing", true), ("a", "a", true),
    ("a", "ab", false), ("a*", "a", true), ("*_norm.weight", "blk.0.attn_norm.weight", true),
    ("*_norm.weight", "blk.0.attn_norm.weights", false), ("blk.?.x", "blk.3.x", true),
    ("blk.?.x", "blk.30.x", false), ("*a*b*", "xxaxxbxx", true), ("*a*b*", "xxbxxaxx", false),
    ("a**b", "ab", true), ("[a]", "a", false), ("a.c", "abc", false), ("?*", "", false),
  ])
  func patternsMatchTheWholeName(pattern: String, text: String, expected: Bool) {
    #expect(Glob(pattern).matches(text) == expected)
  }

  @Test(.timeLimit(.minutes(1))) func manyStarsTakeNoTime() {
    let pattern = String(repeating: "a*", count: 200) + "b"
    #expect(!Glob(pattern).matches(String(repeating: "a", count: 5000)))
  }
}

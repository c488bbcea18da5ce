import QuernContainers
import Testing

struct GGUFSplitNameTests {
  @Test(arguments: [
    ("model-00001-of-00003.gguf", "model", 1, 3),
    ("a-b-of-c-00002-of-00002.gguf", "a-b-of-c", 2, 2),
    ("m-100000-of-123456.gguf", "m", 100_000, 123_456),
    ("dir/m-00001-of-00001.gguf", "dir/m", 1, 1),
  ])
  func takesNamesApartAndMakesThem(text: String, prefix: String, number: Int, count: Int) throws {
    let name = try #require(GGUFSplitName(parsing: text))
    #expect(name == GGUFSplitName(prefix: prefix, number: number, count: count))
    #expect(name.description == text)
  }

  @Test(arguments: [
    "model.gguf", "model-1-of-3.gguf", "model-00000-of-00003.gguf", "model-00004-of-00003.gguf",
    "model-00001-of-00003.safetensors", "-00001-of-00003.gguf", "00001-of-00003.gguf",
    "model-00001-00003.gguf", "model-000001-of-000003.gguf", "model-+0001-of-00003.gguf",
    "model-00001-of-99999999999999999999.gguf", "", ".gguf",
  ])
  func leavesOtherNamesAlone(text: String) {
    #expect(GGUFSplitName(parsing: text) == nil)
  }
}

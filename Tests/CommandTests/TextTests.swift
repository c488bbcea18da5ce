import Testing

@testable import QuernCommand

@Suite struct TextTests {
  @Test(arguments: [
    ("50GB", 50_000_000_000), ("500M", 500_000_000), ("2GiB", 2_147_483_648), ("1.5kb", 1500),
    ("7", 7), ("12b", 12), ("0.5KiB", 512),
  ])
  func sizesHaveDecimalAndBinaryUnits(_ text: String, _ byteCount: Int) {
    #expect(ByteSize(argument: text)?.byteCount == byteCount)
  }

  @Test(arguments: [
    "", "GB", "-1", "0", "1e3", "1.5.5", "9223372036854775807K", "1,5G", "10 GBs", "٣",
  ])
  func whatIsNoSizeIsRefused(_ text: String) { #expect(ByteSize(argument: text) == nil) }

  @Test(arguments: [
    (999, "999 B"), (1000, "1.00 kB"), (1_044_992, "1.04 MB"), (999_949, "1.00 MB"),
    (99_940_000, "99.9 MB"), (99_960_000, "100 MB"), (1_830_000_000, "1.83 GB"),
  ])
  func byteCountsHaveThreeDigits(_ byteCount: Int, _ text: String) {
    #expect(byteCount.bytesText == text)
  }

  @Test func numbersAreRoundedAndGrouped() {
    #expect(Int.min.grouped == "-9,223,372,036,854,775,808")
    #expect(1234567.grouped == "1,234,567")
    #expect((-0.004).fixed(2) == "0.00")
    #expect(8.155.fixed(1) == "8.2")
    #expect(0.05.fixed(2) == "0.05")
    #expect(Double.infinity.fixed(2) == "inf")
  }

  @Test func namesThatDifferInNumbersShareARow() {
    let names = ["a.0.w", "a.1.w", "a.3.w", "b.7.w", "c.01.w", "c.1.w", "a.2.w"]
    let groups = NameGroup.groups(names, name: \.self) { _ in 0 }
    #expect(groups.map(\.name) == ["a.{0-3}.w", "b.7.w", "c.01.w", "c.1.w"])
    #expect(groups.map(\.count) == [4, 1, 1, 1])
    let gaps = NameGroup.groups(["x.2.y", "x.5.y"], name: \.self) { _ in 0 }
    #expect(gaps.map(\.name) == ["x.*.y"])
  }

  @Test func wordsForTheShellAreQuoted() {
    #expect("a/b-c.gguf".shellQuoted == "a/b-c.gguf")
    #expect("it's $HOME".shellQuoted == "'it'\\''s $HOME'")
    #expect("".shellQuoted == "''")
  }
}

import QuernCheckpoints
import Testing

struct ExpressionTests {
  private static func bindings() -> Bindings {
    var bindings = Bindings()
    bindings.integers = ["a": 6, "b": 4, "zero": 0, "big": .max, "hidden_size": 64]
    bindings.arrays = ["list": [3, 5, 7]]
    bindings.given = ["a"]
    return bindings
  }

  private func value(_ text: String) throws -> Int {
    try Expression(parsing: text).value(in: Self.bindings())
  }

  @Test(arguments: [
    ("7", 7), ("a", 6), ("hidden_size", 64), ("a+b*2", 14), ("(a+b)*2", 20), ("a-b-1", 1),
    ("a/3*b", 8), ("a == 6", 1), ("a != 6", 0), ("a<b", 0), ("a > b", 1), ("a>=6", 1),
    ("!zero", 1), ("!a", 0), ("!(a==b)", 1), ("list[1]", 5), ("list[b-2]", 7), ("given(a)", 1),
    ("given(b)", 0), ("(1+(b==4))*a", 12), ("a+b > b+1", 1), ("given", -1),
  ])
  func formulasHaveTheirValues(text: String, expected: Int) throws {
    if text == "given" {
      #expect(throws: Expression.Failure.unknownName("given")) { try value(text) }
    } else {
      #expect(try value(text) == expected)
    }
  }

  @Test(arguments: [
    "", "a+", "*a", "(a", "a)", "a b", "a <= b", "a = b", "list[", "list[1", "given(a", "given(",
    "a == b == 1", "_a", "a & b", "1a b", "!",
  ])
  func brokenFormulasAreRefused(text: String) {
    #expect(throws: Expression.Failure.self) { try Expression(parsing: text) }
  }

  @Test func divisionMustBeExact() {
    #expect(throws: Expression.Failure.notDivisible(6, by: 4)) { try value("a/b") }
    #expect(throws: Expression.Failure.notDivisible(6, by: 0)) { try value("a/zero") }
    #expect(throws: Expression.Failure.notDivisible(6, by: -2)) { try value("a/(b-a)") }
  }

  @Test(arguments: ["big+1", "big*2", "0-big-2"])
  func overflowIsAnErrorAndNotATrap(text: String) {
    #expect(throws: Expression.Failure.overflow) { try value(text) }
  }

  @Test func unknownNamesAndIndicesSayWhatTheyAre() {
    #expect(throws: Expression.Failure.unknownName("nothing")) { try value("nothing") }
    #expect(throws: Expression.Failure.unknownName("nothing")) { try value("nothing[0]") }
    #expect(throws: Expression.Failure.indexOutOfRange("list", index: 3, count: 3)) {
      try value("list[3]")
    }
    #expect(throws: Expression.Failure.indexOutOfRange("list", index: -1, count: 3)) {
      try value("list[zero-1]")
    }
  }
}

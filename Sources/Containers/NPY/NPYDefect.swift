/// What is wrong with a NumPy array file's header, before the file's name is known to the message.
struct NPYDefect: Error {
  let field: String
  let found: String
  let expected: String

  init(_ field: String, found: String, expected: String) {
    (self.field, self.found, self.expected) = (field, found, expected)
  }
}

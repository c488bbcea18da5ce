#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// Why the system, or Quern on its behalf, refused an operation on a file or folder.
public struct FileError: Error, Equatable, Sendable, CustomStringConvertible {
  /// What was attempted.
  public enum Operation: String, Sendable {
    case open, read, create, write, rename, remove, list, examine, lock, resolve
    case sync = "write to disk"
    case resize = "set the size"
    case makeFolder = "make the folder"
  }

  public enum Kind: Equatable, Sendable {
    case notFound
    case permissionDenied
    case alreadyExists
    case noSpace
    case notARegularFile
    case isASymbolicLink
    /// The file ended early: bytes asked for and bytes there were.
    case truncated(expected: Int, found: Int)
    /// The file has more bytes than a reader of whole files takes.
    case tooLarge(limit: Int)
    /// Another process holds it.
    case busy
    /// Any other error of the system, by its number.
    case system(errno: Int32)
  }

  public let path: String
  public let operation: Operation
  public let kind: Kind

  package init(_ path: String, _ operation: Operation, _ kind: Kind) {
    self.path = path
    self.operation = operation
    self.kind = kind
  }

  package init(_ path: String, _ operation: Operation, errno code: Int32) {
    self.init(path, operation, Kind(errno: code))
  }

  public var description: String {
    let makesAnEntry = operation == .create || operation == .makeFolder
    let reason = makesAnEntry && kind == .notFound ? "its folder does not exist" : "\(kind)"
    return "\(path.escapedForDisplay): cannot \(operation.rawValue): \(reason)"
  }
}

extension FileError.Kind {
  init(errno code: Int32) {
    switch code {
    case ENOENT, ENOTDIR: self = .notFound
    case EACCES, EPERM, EROFS: self = .permissionDenied
    case EEXIST, ENOTEMPTY: self = .alreadyExists
    case ENOSPC, EDQUOT: self = .noSpace
    case ELOOP: self = .isASymbolicLink
    case EWOULDBLOCK, EBUSY: self = .busy
    default: self = .system(errno: code)
    }
  }
}

extension FileError.Kind: CustomStringConvertible {
  public var description: String {
    switch self {
    case .notFound: "it does not exist"
    case .permissionDenied: "permission denied"
    case .alreadyExists: "it already exists"
    case .noSpace: "no space left on the disk"
    case .notARegularFile: "not a regular file"
    case .isASymbolicLink: "a symbolic link"
    case .truncated(let expected, let found):
      "expected \(expected) bytes, found \(found): \(expected - found) bytes are missing"
    case .tooLarge(let limit): "larger than the limit of \(limit) bytes"
    case .busy: "another process is using it"
    case .system(let code): String(cString: strerror(code))
    }
  }
}

import Quern
import QuernContainers
import QuernModels

#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

/// The exit codes, as `sysexits.h` numbers them.
struct ExitStatus: Equatable {
  let code: Int32

  static let done = ExitStatus(code: 0)
  /// A verification found a difference, or parity one above its limit. Nothing else exits with 1.
  static let checkFailed = ExitStatus(code: 1)
  static let usage = ExitStatus(code: 64)
  /// An input is malformed, or cannot be converted as asked.
  static let data = ExitStatus(code: 65)
  static let noInput = ExitStatus(code: 66)
  /// A mistake of Quern's own.
  static let internalError = ExitStatus(code: 70)
  /// An output exists, or cannot be created.
  static let cannotCreate = ExitStatus(code: 73)
  static let inputOutput = ExitStatus(code: 74)
  /// Another process holds the output; the same command may work later.
  static let busy = ExitStatus(code: 75)

  /// What a shell reports for a process that a signal ended.
  static func signal(_ number: Int32) -> ExitStatus { ExitStatus(code: 128 + number) }

  func exit() -> Never {
    #if canImport(Glibc)
      Glibc.exit(code)
    #else
      Darwin.exit(code)
    #endif
  }
}

extension ExitStatus {
  /// The status of an error that a command met; nil for those of the argument parser.
  init?(_ error: any Error) {
    switch error {
    case let error as ConversionError: self = Self.status(of: error)
    case let error as CheckpointError: self = Self.status(of: error)
    case let error as VerificationError: self = Self.status(of: error)
    case let error as ReportError: self = Self.status(of: error)
    case let error as SafetensorsError: self = Self.status(of: error)
    case let error as GGUFError: self = Self.status(of: error)
    case let error as ModelError: self = Self.status(of: error)
    case let error as CalibrationFailure: self = Self.status(of: error)
    case let error as TokenFileError: self = Self.status(of: error)
    case is InputProblem, is RecipeError, is TokenizerError: self = .data
    case let error as FileError: self = Self.status(ofInput: error)
    case let error as CommandFailure: self = error.status
    default: return nil
    }
  }

  private static func status(of error: ConversionError) -> ExitStatus {
    switch error {
    case .checkpoint(let error): status(of: error)
    case .data, .recipe, .tokenizer: .data
    case .cannotCreate: .cannotCreate
    case .file: .inputOutput
    case .busy: .busy
    case .interrupted: .signal(Signals.received ?? SIGINT)
    }
  }

  private static func status(of error: ModelError) -> ExitStatus {
    switch error {
    case .checkpoint(let error): status(of: error)
    case .data: .data
    case .file(let error): status(ofInput: error)
    case .interrupted: .signal(Signals.received ?? SIGINT)
    }
  }

  private static func status(of error: CalibrationFailure) -> ExitStatus {
    switch error {
    case .model(let error): status(of: error)
    case .cannotCreate: .cannotCreate
    case .busy: .busy
    }
  }

  private static func status(of error: TokenFileError) -> ExitStatus {
    switch error {
    case .unreadable(let error): status(ofInput: error)
    case .malformed: .data
    }
  }

  private static func status(of error: VerificationError) -> ExitStatus {
    switch error {
    case .file(let error): status(ofInput: error)
    case .gguf(let error): status(of: error)
    case .source(let error): status(of: error)
    case .interrupted: .signal(Signals.received ?? SIGINT)
    }
  }

  private static func status(of error: ReportError) -> ExitStatus {
    switch error {
    case .unreadable(let error): status(ofInput: error)
    case .malformed: .data
    }
  }

  private static func status(of error: CheckpointError) -> ExitStatus {
    switch error {
    case .notFound: .noInput
    case .file(let error): status(ofInput: error)
    case .safetensors(let error): status(of: error)
    case .gguf(let error): status(of: error)
    case .problem: .data
    }
  }

  private static func status(of error: SafetensorsError) -> ExitStatus {
    switch error {
    case .unreadable(let error): status(ofInput: error)
    case .malformed: .data
    }
  }

  private static func status(of error: GGUFError) -> ExitStatus {
    switch error {
    case .unreadable(let error): status(ofInput: error)
    case .malformed: .data
    }
  }

  /// An input that is not there or may not be read is no input; one of the wrong kind or length is
  /// bad data.
  private static func status(ofInput error: FileError) -> ExitStatus {
    switch error.kind {
    case .notFound, .permissionDenied: .noInput
    case .notARegularFile, .isASymbolicLink, .truncated, .tooLarge: .data
    case .busy: .busy
    case .alreadyExists: .cannotCreate
    case .noSpace, .system: .inputOutput
    }
  }
}

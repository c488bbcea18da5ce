#if canImport(Glibc)
  import Glibc
#else
  import Darwin
#endif

func binaryLogarithm(_ value: Float) -> Double { log2(Double(value)) }

/// Where the codes and scales of encoded rows go: codes [rows][rowLength], scales
/// [rows][groupsPerRow].
package struct IntegerPlanes {
  package let codes: UnsafeMutableBufferPointer<Int8>
  package let scales: UnsafeMutableBufferPointer<Float>

  package init(
    codes: UnsafeMutableBufferPointer<Int8>, scales: UnsafeMutableBufferPointer<Float>
  ) {
    self.codes = codes
    self.scales = scales
  }

}

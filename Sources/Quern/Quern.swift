/// Everything a Swift program needs to read, plan, convert and verify checkpoints.
@_exported import QuernCertificates
@_exported import QuernCheckpoints
@_exported import QuernContainers
@_exported import QuernConversion
@_exported import QuernQuantization
@_exported import QuernTensors
@_exported import QuernVerification

import TestSupport
import Testing

/// One daemon at a time: three of them make a small machine slow.
@Suite(.serialized, .requiresDocker) struct `A real Docker` {}

typealias Mode = RealDocker.Mode

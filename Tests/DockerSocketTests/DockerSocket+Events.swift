import DockerSocket
import Foundation

extension DockerSocket {
    /// What it is told, until it ends: then with the reason as an error.
    func events() -> AsyncThrowingStream<DockerEvent, any Error> {
        AsyncThrowingStream { continuation in
            Thread.detachNewThread {
                let end = follow { continuation.yield($0) }
                continuation.finish(throwing: end.error)
            }
        }
    }
}

/// Why an engine could not be asked.
public struct DockerError: Error, Hashable, Sendable, CustomStringConvertible {
    /// Of the socket.
    public var path: String
    public var problem: Problem

    public init(_ path: String, _ problem: Problem) {
        self.path = path
        self.problem = problem
    }

    /// `request` is what was asked, `GET /containers/json`.
    public enum Problem: Hashable, Sendable {
        case noSocket
        case notASocket
        case permissionDenied
        case refused
        case connection(reason: String)
        case connectTimeout
        case answerTimeout(request: String)
        case closed(request: String)
        case tooLarge(request: String, limit: Int)
        /// `message` is the engine's own.
        case status(request: String, code: Int, message: String)
        /// `field` is a path into the answer: `[3].Ports[0].IP`.
        case malformed(request: String, field: String, expected: String)
        /// Of DOCKER_HOST or `--docker`: no path of a unix socket.
        case unspoken(address: String)
    }

    public var description: String { "\(what). \(remedy)" }

    private var what: String {
        switch problem {
        case .noSocket: "Docker's socket \(path) is not there"
        case .notASocket: "\(path) is not a socket"
        case .permissionDenied: "no permission to connect to Docker's socket \(path)"
        case .refused: "nobody listens on Docker's socket \(path)"
        case .connection(let reason): "the connection to Docker's socket \(path) failed: \(reason)"
        case .connectTimeout: "Docker's socket \(path) takes no connection"
        case .answerTimeout(let request): "no answer to \(request) on Docker's socket \(path) in time"
        case .closed(let request): "Docker's socket \(path) was closed before \(request) was answered whole"
        case .tooLarge(let request, let limit): "the answer to \(request) on \(path) has more than \(limit) bytes"
        case .status(let request, let code, let message): "\(request) on \(path) was answered with \(code): \(message)"
        case .malformed(let request, let field, let expected):
            "the answer to \(request) on \(path) was not understood: \(field): expected \(expected)"
        case .unspoken(let address): "\(address) is no unix socket"
        }
    }

    private var remedy: String {
        switch problem {
        case .noSocket, .refused:
            "Start Docker, or say where it listens with --docker SOCKET, or --docker none where there is none."
        case .notASocket: "Say where Docker listens with --docker SOCKET."
        case .permissionDenied: "Run as root, or as a member of the group that owns it."
        case .connection, .closed: "See what Docker logged: journalctl -u docker."
        case .connectTimeout, .answerTimeout: "Docker hangs or is overloaded: see journalctl -u docker."
        case .tooLarge, .malformed: "Is this the API of Docker, or of Podman?"
        case .status: "That is the engine's own word: see journalctl -u docker."
        case .unspoken: "Only unix sockets are spoken: write unix:///PATH or /PATH."
        }
    }
}

/// Which engine is asked, as `--docker` says it.
public enum DockerChoice: Hashable, Sendable {
    public static let standardPath = "/var/run/docker.sock"

    /// The one of DOCKER_HOST, or of the standard path when it is there.
    case auto
    case none
    case socket(String)

    /// `auto`, `none`, `unix:///PATH` or `/PATH`
    public init(_ text: String) throws(DockerError) {
        switch text {
        case "auto": self = .auto
        case "none": self = .none
        case let address: self = .socket(try Self.path(address))
        }
    }

    /// The path in an address as DOCKER_HOST has it. Only unix sockets are spoken.
    public static func path(_ address: String) throws(DockerError) -> String {
        let scheme = "unix://"
        let path = address.hasPrefix(scheme) ? String(address.dropFirst(scheme.count)) : address
        guard path.hasPrefix("/") else { throw DockerError(address, .unspoken(address: address)) }
        return path
    }
}

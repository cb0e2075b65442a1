internal import Addressing
public import HostRules
public import Simulator

/// A connection by which somebody administers this host.
public struct WayIn: Hashable, Sendable {
    public enum Owner: Hashable, Sendable {
        /// Whoever runs this command.
        case us
        case somebody
    }

    public struct Server: Hashable, Sendable {
        public var process: ProcessTable.ID
        public var name: String
    }

    public var connection: HostConnection
    public var client: Endpoint
    /// The host's side.
    public var host: Endpoint
    public var owner: Owner
    /// The process that serves it, where that can be seen.
    public var server: Server?

    /// Nil where the addresses are none.
    init?(_ connection: HostConnection, owner: Owner, server: Server?) {
        guard let client = Endpoint(connection.remote), let host = Endpoint(connection.local) else { return nil }
        self.connection = connection
        self.client = client
        self.host = host
        self.owner = owner
        self.server = server
    }

    /// What it is to the rules, when its packets come in by this interface.
    func flow(by interface: String) -> Flow {
        Flow(
            transport: .tcp, client: client, dialled: host, server: host, isTranslated: false, iifname: interface,
            oifname: nil)
    }
}

extension Endpoint {
    /// As the packets carry it: a peer that a socket of IPv6 writes as `::ffff:192.0.2.1` is one of IPv4.
    init?(_ end: HostConnection.End) {
        switch IPAddress(bytes: end.address) {
        case .v6(let address)? where address.bits >> 32 == 0xffff:
            self.init(.v4(IPv4Address(UInt32(truncatingIfNeeded: address.bits))), end.port)
        case .v4(let address)?: self.init(.v4(address), end.port)
        case .v6(let address)?: self.init(.v6(address), end.port)
        case nil: return nil
        }
    }
}

/// What sshd tells those that it starts: `CLIENT PORT HOST PORT` (ssh(1), SSH_CONNECTION).
struct SessionAddresses: Hashable {
    static let variable = "SSH_CONNECTION"

    var client: Endpoint
    var host: Endpoint

    init?(_ text: String) {
        let words = text.split(separator: " ")
        guard words.count == 4, let client = Self.endpoint(words[0], words[1]),
            let host = Self.endpoint(words[2], words[3])
        else { return nil }
        self.client = client
        self.host = host
    }

    private static func endpoint(_ address: Substring, _ port: Substring) -> Endpoint? {
        // A link-local one has its interface behind it.
        let bare = String(address.prefix { $0 != "%" })
        guard let port = UInt16(port) else { return nil }
        return switch try? AddressText(bare) {
        case .v4(let range)? where range.lowerBound == range.upperBound:
            Endpoint(.v4(IPv4Address(range.lowerBound)), port)
        case .v6(let range)? where range.lowerBound == range.upperBound:
            Endpoint(.v6(IPv6Address(range.lowerBound)), port)
        case .v4?, .v6?, nil: nil
        }
    }
}

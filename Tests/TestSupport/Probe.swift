/// One question asked over the network: does `from` get an answer at `to`?
public struct Probe: Hashable, Sendable, CustomStringConvertible {
    public enum Kind: String, Hashable, Sendable {
        case tcp
        case udp
        /// An ICMP echo request, v4 or v6 as the addresses are.
        case ping
        /// A TCP segment from the middle of a connection that was never begun. What lets it pass gets it `.refused`, by
        /// the reset of the container's kernel.
        case strayAck
        /// An SCTP INIT. What lets it pass gets it `.refused`, where the kernel behind has no SCTP or nobody listens.
        case sctp
    }

    public var kind: Kind
    /// Any address that the namespace owns; a client of a `DockerHost` owns whole prefixes. `fe80::10%eth0` for link-local.
    public var source: String
    /// 0 lets the kernel choose.
    public var sourcePort: UInt16
    public var destination: String
    public var port: UInt16
    /// The namespace that asks.
    public var place: Place
    /// What the test expects. An expected answer is waited for with patience, so that a loaded machine fails no test;
    /// without an expectation, silence is decided after one retransmission of TCP.
    public var expected: Outcome?
    /// How long the silence must last, from the moment that everything which must answer has answered.
    public var silence: Duration

    /// `Probe(from: "203.0.113.7", to: "192.0.2.1:8081", expect: .answered(by: "django"))`, `to: "[2001:db8:1::1]:8081"`;
    /// a ping has no port.
    public init(
        _ kind: Kind = .tcp, from source: String, sourcePort: UInt16 = 0, to destination: String,
        at place: Place = .client, expect expected: Outcome? = nil, silence: Duration = .milliseconds(400)
    ) {
        let (address, port) = splitEndpoint(destination)
        self.init(
            kind, from: source, sourcePort: sourcePort, to: address, port: port, at: place, expect: expected,
            silence: silence)
    }

    public init(
        _ kind: Kind = .tcp, from source: String, sourcePort: UInt16 = 0, to destination: String, port: UInt16,
        at place: Place = .client, expect expected: Outcome? = nil, silence: Duration = .milliseconds(400)
    ) {
        self.kind = kind
        self.source = source
        self.sourcePort = sourcePort
        self.destination = destination
        self.port = port
        self.place = place
        self.expected = expected
        self.silence = silence
    }

    public var description: String {
        let address = destination.contains(":") ? "[\(destination)]" : destination
        return "\(kind) \(source) > \(address)\(kind == .ping ? "" : ":\(port)")"
    }
}

/// Whose namespace of a topology.
public enum Place: Hashable, Sendable {
    /// The outside on ext0.
    case client
    /// The outside on ext1.
    case otherClient
    /// The Docker host.
    case host
    case container(String)
    case namespace(NetworkNamespace)
}

/// `192.0.2.1:80`, `[2001:db8::1]:80`, or an address alone.
func splitEndpoint(_ text: String) -> (address: String, port: UInt16) {
    guard let colon = text.lastIndex(of: ":"), let port = UInt16(text[text.index(after: colon)...]) else {
        return (text, 0)
    }
    let address = text[..<colon]
    if address.hasPrefix("["), address.hasSuffix("]") { return (String(address.dropFirst().dropLast()), port) }
    return address.contains(":") ? (text, 0) : (String(address), port)
}

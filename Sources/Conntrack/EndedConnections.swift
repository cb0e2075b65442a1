public import Addressing
internal import Glibc
public import HostRules
public import Simulator

/// An open connection that a change of the rules ends.
public struct EndedConnection: Hashable, Sendable {
    public var transport: TransportProtocol
    public var client: Endpoint
    /// What the client dialled, before any NAT.
    public var dialled: Endpoint
    /// Who answers.
    public var server: Endpoint
    /// The chain of the services that it was dialled by.
    public var chain: String?
    /// In seconds, where the kernel was told to note it.
    public var age: UInt64?

    public init(
        transport: TransportProtocol, client: Endpoint, dialled: Endpoint, server: Endpoint, chain: String? = nil,
        age: UInt64? = nil
    ) {
        self.transport = transport
        self.client = client
        self.dialled = dialled
        self.server = server
        self.chain = chain
        self.age = age
    }
}

/// What a change of the rules does to the connections that are open.
public struct EndedConnections: Hashable, Sendable {
    /// By what was dialled, then by client.
    public var connections: [EndedConnection]
    /// Of so many it could not be found out.
    public var doubtful: Int

    public init(_ connections: [EndedConnection] = [], doubtful: Int = 0) {
        self.connections = connections
        self.doubtful = doubtful
    }

    /// Reads what the network namespace tracks, and judges it with `trial`.
    ///
    /// A connection that was translated on its way shows only by its entry, so that what passes the host untracked, or by an
    /// interface that its containers share with it, is not in the answer.
    public static func read(
        namespace: String? = nil, _ network: HostNetwork, _ trial: FlowTrial
    ) throws(ConntrackError) -> Self {
        let census = Census(network, trial)
        try ConntrackTable.read(namespace: namespace) { census.take($0) }
        return census.result
    }
}

/// Judges one connection after the other, and keeps those that end.
final class Census {
    private let ways: HostWays
    /// IPv6 has the same addresses of one interface only on many.
    private let owners: [IPAddress: Set<String>]
    private var trial: FlowTrial
    private let now: UInt64
    private var ended: Set<EndedConnection> = []
    private var doubtful = 0

    /// A name that nobody gives to an interface, for one that is not known.
    private static let unnamed = "-"

    init(_ network: HostNetwork, _ trial: FlowTrial) {
        ways = HostWays(network)
        self.trial = trial
        var owners: [IPAddress: Set<String>] = [:]
        for interface in network.interfaces {
            for address in interface.addresses.compactMap({ IPAddress(bytes: $0.bytes) }) {
                owners[address, default: []].insert(interface.name)
            }
        }
        self.owners = owners
        var time = timespec()
        // SAFETY: the call fills one timespec.
        _ = unsafe clock_gettime(CLOCK_REALTIME, &time)
        now = UInt64(clamping: time.tv_sec) * 1_000_000_000 + UInt64(clamping: time.tv_nsec)
    }

    var result: EndedConnections {
        EndedConnections(ended.sorted { $0.order < $1.order }, doubtful: doubtful)
    }

    func take(_ connection: Connection) {
        // What the host itself began is judged by nobody, and what a helper foresaw is let through.
        guard connection.isEstablished, !connection.status.contains(.expected),
            !ways.isLocal(connection.original.source)
        else { return }
        let fates = flows(connection).map { trial.fate(of: $0) }
        guard let first = fates.first else { return }
        if case .ends(let chain) = first, fates.allSatisfy({ $0.ends }), isCertain(connection) {
            let age = connection.start.map { now > $0 ? (now - $0) / 1_000_000_000 : 0 }
            ended.insert(
                EndedConnection(
                    transport: connection.transport, client: connection.client, dialled: connection.dialled,
                    server: connection.server, chain: chain, age: age))
        } else if fates.contains(where: { $0.mayEnd }) {
            doubtful += 1
        }
    }

    private func isCertain(_ connection: Connection) -> Bool {
        !ways.interfaces(towards: connection.original.source).isEmpty
    }

    /// One for each interface that it may come in by, and each that it may leave by.
    func flows(_ connection: Connection) -> [Flow] {
        let server = connection.server
        let outputs: [String?] =
            ways.isLocal(server.address) ? [nil] : known(ways.interfaces(towards: server.address))
        return inputs(connection).flatMap { input in
            outputs.map { output in
                Flow(
                    transport: connection.transport, client: connection.client, dialled: connection.dialled,
                    server: server, isTranslated: connection.status.contains(.destinationNAT), iifname: input,
                    oifname: output)
            }
        }
    }

    private func inputs(_ connection: Connection) -> [String] {
        let all = ways.interfaces(towards: connection.original.source)
        guard all.count > 1, let own = owners[connection.original.destination] else { return known(all) }
        let narrowed = all.filter(own.contains)
        return known(narrowed.isEmpty ? all : narrowed)
    }

    private func known(_ names: [String]) -> [String] { names.isEmpty ? [Self.unnamed] : names }
}

extension Connection {
    var client: Endpoint { Endpoint(original.source, original.sourcePort) }
    var dialled: Endpoint { Endpoint(original.destination, original.destinationPort) }
    /// Who gives the answers, before they are translated back.
    var server: Endpoint { Endpoint(reply.source, reply.sourcePort) }
}

extension FlowTrial.Fate {
    fileprivate var ends: Bool {
        switch self {
        case .ends: true
        case .goesOn, .hasEnded, .unknown: false
        }
    }

    fileprivate var mayEnd: Bool {
        switch self {
        case .ends, .unknown: true
        case .goesOn, .hasEnded: false
        }
    }
}

extension EndedConnection {
    fileprivate var order: (IPAddress, UInt16, UInt8, IPAddress, UInt16) {
        (dialled.address, dialled.port, transport.rawValue, client.address, client.port)
    }
}

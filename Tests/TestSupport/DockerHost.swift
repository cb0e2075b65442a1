public import Addressing
import Glibc

/// A Docker host in a namespace, its containers in others, and two clients outside.
///
/// ```
/// client ── ext0 ┐                     ┌ docker0 ── container
///                ├──── host ───────────┤
/// otherClient ── ext1 ┘                └ br-… ── container
/// ```
/// | | client (ext0) | otherClient (ext1) | host |
/// |-|-|-|-|
/// | IPv4 | 192.0.2.10, 192.0.2.66, 192.0.2.128/25, 203.0.113.0/24 | 198.51.100.10, .66, 198.51.100.128/25 | 192.0.2.1, 198.51.100.1 |
/// | IPv6 | 2001:db8:1::10, ::66, 2001:db8:10::/48 | 2001:db8:2::10, ::66, 2001:db8:20::/48 | 2001:db8:1::1, 2001:db8:2::1 |
/// | link-local | fe80::10%eth0 | fe80::20%eth0 | fe80::1%eth0 (ext0), fe80::2%eth0 (ext1), as the clients write it |
///
/// A client can send from, and serve on, every address of its prefixes. Its default route is the host, so it can also
/// address containers directly. The host's default route is the client.
public struct DockerHost: Sendable {
    public let client: NetworkNamespace
    public let otherClient: NetworkNamespace
    public let namespace: NetworkNamespace
    let attachments: [Attachment]
    let containers: [String: NetworkNamespace]
    let servers: ServerLoop

    /// Builds a host, lets `body` use it and takes it down, also when `body` throws. Without an engine there are no rules
    /// at all. Published ports are translated by the engine's rules, and served by a stand-in for docker-proxy that
    /// answers "proxy:NAME" where no rule translates.
    public static func with<Value>(
        _ engine: DockerEngine? = nil, _ containers: [Container] = [], _ body: (DockerHost) throws -> Value
    ) throws -> Value {
        let (host, namespaces) = try make(engine, containers)
        defer { host.tearDown(namespaces) }
        return try body(host)
    }

    /// The same for an asynchronous `body`.
    public static func with<Value>(
        _ engine: DockerEngine? = nil, _ containers: [Container] = [], _ body: (DockerHost) async throws -> Value
    ) async throws -> Value {
        let (host, namespaces) = try make(engine, containers)
        defer { host.tearDown(namespaces) }
        return try await body(host)
    }

    private static func make(
        _ engine: DockerEngine?, _ containers: [Container]
    ) throws -> (DockerHost, [NetworkNamespace]) {
        let made = try NetworkNamespace.create(
            ["host", "client", "other"] + containers.map { "container-\($0.name)" })
        do {
            let named = zip(containers.map(\.name), made.dropFirst(3))
            let host = DockerHost(
                client: made[1], otherClient: made[2], namespace: made[0], attachments: try attach(containers),
                containers: Dictionary(named) { first, _ in first }, servers: ServerLoop())
            do {
                try host.wire()
                try host.serve()
                try engine?.load(into: host.namespace, host.attachments)
            } catch {
                host.servers.stop()
                throw error
            }
            return (host, made)
        } catch {
            NetworkNamespace.delete(made)
            throw error
        }
    }

    private func tearDown(_ namespaces: [NetworkNamespace]) {
        servers.stop()
        NetworkNamespace.delete(namespaces)
    }

    /// Containers get addresses 2, 3, … of their network in order, as Docker gives them.
    static func attach(_ containers: [Container]) throws -> [Attachment] {
        var next: [Bridge: UInt32] = [:]
        return try containers.map { container in
            let number = next[container.bridge, default: 2]
            next[container.bridge] = number + 1
            return Attachment(
                container: container, address4: try container.bridge.address4(number),
                address6: try container.bridge.address6(number),
                publications: try container.publish.flatMap(Publication.parse))
        }
    }
}

extension DockerHost {
    public func namespace(of place: Place) throws -> NetworkNamespace {
        switch place {
        case .client: return client
        case .otherClient: return otherClient
        case .host: return namespace
        case .namespace(let namespace): return namespace
        case .container(let name):
            guard let namespace = containers[name] else { throw BenchError("there is no container \(name)") }
            return namespace
        }
    }

    /// A container's own address, for direct routes: `172.17.0.2`, or nil where its network has no such family.
    public func address(of container: String, _ family: AddressFamily = .ipv4) throws -> String {
        guard let attachment = attachments.first(where: { $0.container.name == container }),
            let address = attachment.address(family)
        else { throw BenchError("\(container) has no \(family) address") }
        return address
    }

    /// Runs a program on the host.
    public func run(_ arguments: String..., input: String = "") throws -> ProgramResult {
        try namespace.run(Program(arguments, input: input))
    }

    /// Loads nft text on the host.
    public func load(_ ruleset: String) throws {
        try run("nft", "-f", "-", input: ruleset).orThrow()
    }

    /// Asks everything at once. The outcomes are in the probes' order.
    public func probe(_ probes: [Probe]) throws -> [Outcome] {
        try Probe.runAll(probes, in: namespace(of:))
    }

    public func probe(_ probe: Probe) throws -> Outcome { try self.probe([probe])[0] }

    /// Opens a connection that stays open, and waits until it flows.
    public func stream(
        _ transport: TransportProtocol = .tcp, from source: String, to destination: String, at place: Place = .client,
        _ talk: Stream.Talk = .bothWays
    ) throws -> Stream {
        let stream = try open(transport, from: source, to: destination, at: place, talk)
        try stream.waitUntilFlowing(since: .none)
        return stream
    }

    /// The same without the waiting, for many at once.
    func open(
        _ transport: TransportProtocol, from source: String, to destination: String, at place: Place = .client,
        _ talk: Stream.Talk = .bothWays
    ) throws -> Stream {
        let socket = try namespace(of: place).enter {
            let (address, port) = splitEndpoint(destination)
            let peer = try SocketAddress(address, port: port)
            let socket = try Socket(family: peer.family, type: transport == .tcp ? SOCK_STREAM : SOCK_DGRAM)
            if transport == .tcp { try socket.set(Int32(IPPROTO_TCP), TCP_NODELAY) }
            let bound = socket.bind(to: try SocketAddress(source))
            guard bound == 0 else { throw BenchError("bind \(source)", errno: bound) }
            let connected = socket.connect(to: peer)
            guard connected == 0 || connected == EINPROGRESS else {
                throw BenchError("connect \(destination)", errno: connected)
            }
            return socket
        }
        return Stream(loop: servers, number: servers.open(socket, talk))
    }

    /// Answers with `name` on a port of any namespace, on all its addresses unless one is given: a service with
    /// `--network host` (`at: .host`), a remote server (`at: .client`).
    public func serve(
        _ name: String, at place: Place, on port: UInt16, _ transports: [TransportProtocol] = [.tcp, .udp],
        address: String? = nil
    ) throws {
        let sockets = try namespace(of: place).enter {
            try transports.flatMap { transport in
                try (address.map { [$0] } ?? ["0.0.0.0", "::"]).map { address in
                    (try Self.listener(on: address, port, transport), transport)
                }
            }
        }
        for (socket, transport) in sockets { servers.add(socket, name: name, transport: transport) }
    }

    private static func listener(on text: String, _ port: UInt16, _ transport: TransportProtocol) throws -> Socket {
        let address = try SocketAddress(text, port: port)
        let socket = try Socket(family: address.family, type: transport == .tcp ? SOCK_STREAM : SOCK_DGRAM)
        try socket.set(SOL_SOCKET, SO_REUSEADDR)
        if address.family == AF_INET6 { try socket.set(Int32(IPPROTO_IPV6), IPV6_V6ONLY) }
        if transport == .udp { try socket.reportDestinations(family: address.family) }
        let bound = socket.bind(to: address)
        guard bound == 0 else { throw BenchError("bind \(text) port \(port)", errno: bound) }
        if transport == .tcp { try socket.listen() }
        return socket
    }

    /// Starts the containers' servers, and docker-proxy's stand-ins.
    private func serve() throws {
        for attachment in attachments {
            let name = attachment.container.name
            let published = attachment.publications.map { (port: $0.containerPort, transport: $0.transport) }
            let listening = try attachment.container.listening.map(Publication.parseListening)
            var served: Set<PortRange> = []
            for (port, transport) in published + listening where transport != .sctp {
                guard served.insert(PortRange(transport, port...port)).inserted else { continue }
                try serve(name, at: .container(name), on: port, [transport])
            }
            guard attachment.bridge.gateway == .nat || attachment.bridge.gateway == .natUnprotected else { continue }
            for publication in attachment.publications where publication.transport != .sctp {
                try serve(
                    "proxy:\(name)", at: .host, on: publication.hostPort, [publication.transport],
                    address: publication.hostAddress)
            }
        }
    }
}

internal import Addressing
internal import Nftables
internal import Simulator

extension Claim {
    /// What the table sees of it, on its way there and on its way back: to say which rule decides. Nil for what passes no hook of it.
    func packet(on scene: Scene) -> Packet? {
        let route = Route(self, scene)
        guard let hook = route.hook else { return nil }
        let (transport, service) = header
        let dialled = destination
        let reached = route.translated ?? destination
        let conntrack: ConntrackView =
            switch setup {
            case .untracked: .untracked
            case .translated, .local, .ofHost:
                .entry(
                    ConntrackEntry(
                        state: connection == .new ? .new : .established, direction: .original,
                        status: route.translated == nil ? [] : .dnat,
                        source: source, destination: dialled, serviceDestination: service))
            }
        return Packet(
            hook: hook, iifname: route.incoming, oifname: route.outgoing, source: source, destination: reached,
            transport: transport, conntrack: conntrack)
    }

    /// The port that no packet of ours comes from, for the simulator only.
    private static let clientPort: UInt16 = 40_000

    private var header: (TransportHeader, service: UInt16) {
        switch kind {
        case .ports(let transport, let port):
            (
                TransportHeader(
                    transport, source: sourcePort ?? Self.clientPort, destination: port,
                    flags: connection == .new ? .syn : .ack),
                port
            )
        case .segment(let own, let port): (.tcp(source: own, destination: port, flags: .ack), port)
        case .echoRequest:
            switch family {
            case .ipv4: (.icmp(type: 8, code: 0), 8 << 8)
            case .ipv6: (.icmpv6(type: 128, code: 0), 128 << 8)
            }
        }
    }
}

/// Where a packet comes in and goes out.
private struct Route {
    var hook: BaseChain.Hook?
    var incoming: String?
    var outgoing: String?
    var translated: IPAddress?

    init(_ claim: Claim, _ scene: Scene) {
        switch claim.from {
        case .beyond(let name): incoming = name
        case .container(let number): incoming = scene.bridge(of: number)
        case .host: incoming = nil
        }
        let isToHost = scene.hostAddresses.contains(claim.destination) || claim.destination.isLoopback
        if let place = claim.translated {
            translated = scene.containers[place].address(claim.family)
            outgoing = scene.bridge(of: place)
        } else if isToHost, claim.isTranslated, let address = scene.published?.address(claim.family) {
            translated = address
            outgoing = scene.bridges.first?.name
        } else if !isToHost {
            outgoing = scene.bridge(of: claim.destination) ?? scene.external.first
        }
        switch (incoming, outgoing) {
        case (_?, nil): hook = .input
        case (nil, _?): hook = .output
        // Two containers of one bridge: it is no router's business.
        case (let from?, let to?): hook = from == to ? nil : .forward
        case (nil, nil): hook = nil
        }
    }
}

extension Claim {
    /// Whether rules of Docker's kind lead it to a container.
    var isTranslated: Bool {
        switch (from, kind) {
        case (.beyond, .ports), (.beyond, .segment): setup == .translated
        case (.beyond, .echoRequest), (.container, _), (.host, _): false
        }
    }
}

extension Scene {
    func bridge(of container: Int) -> String? {
        let name = containers[container].name
        return bridges.first { $0.containers.contains { $0.name == name } }?.name
    }

    fileprivate func bridge(of address: IPAddress) -> String? {
        bridges.first { $0.containers.contains { $0.addresses.contains(address) } }?.name
    }
}

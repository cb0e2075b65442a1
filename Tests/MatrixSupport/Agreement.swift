import Addressing
import HostRules
import Reachability

@testable import TestSupport

/// What the audit says of the cells, held against what became of the packets.
struct Agreement {
    private(set) var reachability: Reachability
    let estate: Estate
    let proxy: Proxy
    private(set) var wrong: [String] = []

    /// Who serves a published port that the rules do not translate.
    enum Proxy: Sendable {
        /// The bench, which answers from the address that was dialled.
        case bench
        /// dockerd: docker-proxy's answers over UDP come from the address that its route has, which the client may not have
        /// dialled; without it the port is held, and nobody reads.
        case real
    }

    init(_ rules: HostRuleset, _ topology: Topology, _ estate: Estate, _ proxy: Proxy) {
        self.proxy = proxy
        reachability = Reachability(rules, topology: topology)
        self.estate = estate
    }

    mutating func compare(_ cell: Cell, _ outcome: Outcome) {
        guard cell.path != .inside, let approach = cell.approach, let source = cell.source else { return }
        // What comes in by another interface would have to come out by the parent, and does not reach its own wire.
        let isOnTheWire = cell.path == .onTheWire && approach.interface == Estate.wireParent
        let answer = reachability.answer(approach, through: isOnTheWire ? .ingress : .host)
        let passage = answer.passage(from: source)
        switch passage {
        case .open:
            // Nobody need be there, and how often the kernel says so of UDP is limited.
            if outcome == .silent, !answer.arrivals(of: source).allSatisfy({ mayBeSilent($0, cell.probe) }) {
                wrong.append("\(cell): \(outcome), where it is said to be open: \(answer.arrivals(of: source))")
            }
        case .closed:
            if outcome.isEntry { wrong.append("\(cell): \(outcome), where it is said to be closed: \(answer.stops)") }
        case .unknown:
            wrong.append("\(cell): \(outcome), where it is said to be unknown: \(answer.doubts)")
        }
    }
}

extension Cell {
    fileprivate var approach: Approach? {
        guard let address = IPAddress(String(probe.destination.prefix { $0 != "%" })) else { return nil }
        return Approach(
            interface: probe.place == .client ? "ext0" : "ext1", transport: probe.kind == .udp ? .udp : .tcp,
            address: address, port: probe.port)
    }

    fileprivate var source: IPAddress? { IPAddress(String(probe.source.prefix { $0 != "%" })) }
}

extension Answer {
    fileprivate func arrivals(of source: IPAddress) -> [Arrival] {
        arrivals.filter { $0.value.contains(source) }.map(\.key)
    }
}

extension Agreement {
    /// Whether a packet that arrives there may well be without an answer.
    fileprivate func mayBeSilent(_ arrival: Arrival, _ probe: Probe) -> Bool {
        switch arrival {
        case .delivered(let address, let port):
            probe.kind == .udp && !Estate.hostPorts.contains { $0.port == port }
                && (proxy == .real || !estate.proxies(address, port))
        case .forwarded(let address, _, Estate.wireParent?): Estate.onTheWire.contains { $0.has(address) }
        case .forwarded(let address, let port, _):
            // Containers of an internal network have no way back to the outside.
            estate.attachments.contains { attachment in
                [attachment.address4, attachment.address6].contains(address?.description)
                    && (attachment.bridge.gateway == .internal || probe.kind == .udp && !attachment.serves(port))
            }
        }
    }
}

extension Estate {
    /// Whether docker-proxy has the port there.
    fileprivate func proxies(_ address: IPAddress?, _ port: UInt16?) -> Bool {
        attachments.contains { attachment in
            switch attachment.bridge.gateway {
            case .routed, .internal: false
            case .nat, .natUnprotected:
                attachment.publications.contains {
                    $0.hostPort == port && ($0.hostAddress == nil || $0.hostAddress == address?.description)
                }
            }
        }
    }
}

extension Estate.OnTheWire {
    fileprivate func has(_ address: IPAddress?) -> Bool { [address4, address6].contains(address?.description) }
}

extension Attachment {
    fileprivate func serves(_ port: UInt16?) -> Bool {
        publications.contains { $0.containerPort == port }
            || container.listening.contains { (try? Publication.parseListening($0))?.port == port }
    }
}

import Addressing
import Audit
import Reachability

@testable import TestSupport

/// What the audit says of the cells, held against what became of the packets.
struct Agreement {
    private var judge: Judge
    private let subject: Subject
    private let estate: Estate
    private(set) var wrong: [String] = []

    /// The host as the command reads it.
    init(_ host: DockerHost, _ estate: Estate) throws {
        subject = try Subject(host.namespace)
        judge = Judge(subject)
        self.estate = estate
    }

    mutating func compare(_ cell: Cell, _ outcome: Outcome) {
        guard cell.path != .inside, let approach = cell.approach, let source = cell.source else { return }
        // What comes in by another interface would have to come out by the parent, and does not reach its own wire.
        let isOnTheWire = cell.path == .onTheWire && approach.interface == Estate.wireParent
        let extent: Extent = isOnTheWire ? .ingress : .host
        let answer = judge.answer(approach, through: extent)
        if answer.arrivals(of: source).contains(where: { isUnread($0, approach) }) {
            // The kernel takes connections there itself.
            let isRight =
                approach.transport == .tcp && answer.open.contains(source) ? outcome == .connected : !outcome.isEntry
            if !isRight { wrong.append("\(cell): \(outcome), where dockerd holds the port and reads nothing") }
            return
        }
        switch judge.passage(from: source, approach, through: extent) {
        case .open:
            let arrivals = answer.arrivals(of: source)
            if arrivals.contains(where: { answersElsewhere($0, approach, source) }) {
                if outcome.isEntry { wrong.append("\(cell): \(outcome), where another address should have answered") }
            } else if !outcome.isEntry, !arrivals.allSatisfy({ mayFail($0, cell.probe, outcome) }) {
                wrong.append("\(cell): \(outcome), where it is said to be open: \(arrivals)")
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
    /// Without docker-proxy, dockerd holds the ports.
    private func isUnread(_ arrival: Arrival, _ approach: Approach) -> Bool {
        guard case .delivered(let address, let port) = arrival else { return false }
        let takers = subject.listeners.filter {
            $0.takes(approach.transport, address ?? approach.address, port ?? approach.port)
        }
        return !takers.isEmpty && takers.allSatisfy { $0.processes == ["dockerd"] }
    }

    /// docker-proxy answers over UDP from the address that the way back has, which need not be the one that the client has dialled:
    /// then it does not hear the answer.
    private func answersElsewhere(_ arrival: Arrival, _ approach: Approach, _ source: IPAddress) -> Bool {
        guard case .delivered(let address?, let port?) = arrival, approach.transport == .udp,
            subject.listeners.contains(where: {
                $0.takes(.udp, address, port) && $0.processes == ["docker-proxy"] && $0.address.isEveryAddress
            })
        else { return false }
        let own = subject.topology.links.first { $0.name == approach.interface }?.addresses ?? []
        let isLinkLocal = source.description.hasPrefix("fe80")
        let wayBack = own.first { $0.family == source.family && $0.description.hasPrefix("fe80") == isLinkLocal }
        return wayBack != approach.address
    }

    /// Whether a packet that arrives there may well be without an answer.
    private func mayFail(_ arrival: Arrival, _ probe: Probe, _ outcome: Outcome) -> Bool {
        switch arrival {
        case .delivered: false
        // Nobody listens; how often the kernel says so of UDP is limited.
        case .forwarded(let address, _, Estate.wireParent?):
            outcome == .refused || Estate.onTheWire.contains { $0.has(address) }
        case .forwarded(let address, let port, _):
            // Containers of an internal network have no way back to the outside.
            outcome == .refused
                || estate.attachments.contains { attachment in
                    [attachment.address4, attachment.address6].contains(address?.description)
                        && (attachment.bridge.gateway == .internal || probe.kind == .udp && !attachment.serves(port))
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

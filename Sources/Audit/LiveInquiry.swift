internal import Addressing
internal import Docker
internal import HostRules
public import Policy
internal import Reachability

/// Answers a question by the rules that are in force on a host, for all clients at once.
public struct LiveInquiry {
    private let subject: Subject
    private let outside: Outside
    private let interface: String?
    private var reachability: Reachability
    private let owners: [IPAddress: String]

    /// A range is tried port by port.
    public static var mostPorts: Int { 1024 }

    /// `interface` is the one that the clients come in by; nil stands for every one that leads outside.
    public init(_ subject: Subject, interface: String? = nil) {
        self.subject = subject
        self.interface = interface
        outside = Outside(subject)
        reachability = Reachability(subject.rules, topology: subject.topology, listeners: subject.listeners)
        var owners: [IPAddress: String] = [:]
        for container in subject.inventory?.containers ?? [] {
            for address in container.attachments.flatMap(\.addresses) { owners[address] = container.name }
        }
        self.owners = owners
    }

    public mutating func explain(_ question: Question) -> LiveExplanation {
        var explanation = LiveExplanation(
            verdict: .unknown, clients: question.clients.text, destination: question.text, parts: [], obstacle: nil)
        switch targets(question.destination) {
        case .failure(let obstacle): explanation.obstacle = obstacle.text
        case .success(let targets):
            guard targets.reduce(0, { $0 + $1.range.ports.count }) <= Self.mostPorts else {
                explanation.obstacle = "these are more than \(Self.mostPorts) ports: ask of fewer at once"
                return explanation
            }
            explanation.parts = parts(targets, question.clients.addresses)
            explanation.verdict = Self.verdict(explanation.parts)
            if explanation.parts.isEmpty {
                explanation.obstacle =
                    "none of them has an address of the family that is dialled, by any interface outside"
            }
        }
        return explanation
    }

    private static func verdict(_ parts: [LiveExplanation.Part]) -> LiveExplanation.Verdict {
        let fates = Set(parts.map(\.fate))
        if fates.isEmpty || fates.contains(.unknown) { return .unknown }
        if fates == [.arrives] { return .allowed }
        return fates.contains(.arrives) ? .differs : .refused
    }

    // MARK: What is dialled

    private struct Target {
        /// Nil stands for the addresses of the host that face outside.
        var address: IPAddress?
        var family: AddressFamily?
        var range: PortRange
        var mention = Mention.always
    }

    private enum Mention {
        case always
        /// Nobody outside was told of it, so that only a way that is open is worth a word.
        case unlessStopped
    }

    private struct Obstacle: Error {
        var text: String
    }

    private func targets(_ destination: Destination) -> Result<[Target], Obstacle> {
        switch destination {
        case .published(let address, let range): .success([Target(address: address, range: range)])
        case .machine(let range): .success([Target(range: range)])
        case .service(let name): targets(ofService: name)
        case .hostService(let name): targets(ofHostService: name)
        case .container(let name): targets(ofContainer: name)
        }
    }

    private func targets(ofService name: String) -> Result<[Target], Obstacle> {
        guard let service = subject.policy?.services.first(where: { $0.name == name }) else { return .success([]) }
        if case .any = service.publish {
            return .failure(Obstacle(text: "\(name) is every published port: ask of one of them"))
        }
        let targets =
            service.hostPorts.map { Target(address: $0.address, range: $0.range) }
            + service.direct.map { Target(address: $0.address, range: $0.range) }
        return targets.isEmpty
            ? .failure(Obstacle(text: "only Docker knows the ports of \(name), and no container of it is known"))
            : .success(targets)
    }

    private func targets(ofHostService name: String) -> Result<[Target], Obstacle> {
        switch subject.policy?.host?.services.first(where: { $0.name == name })?.opening {
        case .ports(let ranges): .success(ranges.map { Target(range: $0) })
        case .echoRequest, nil: .success([])
        }
    }

    private func targets(ofContainer name: String) -> Result<[Target], Obstacle> {
        guard let container = subject.inventory?.containers.first(where: { $0.name == name }) else {
            return .success([])
        }
        guard !container.usesHostNetwork else {
            return .failure(
                Obstacle(text: "\(name) has the host's network, and Docker does not know its ports: ask of a port"))
        }
        var targets: [Target] = []
        for binding in container.bindings {
            let isEvery = binding.hostAddress.isEveryAddress
            targets.append(
                Target(
                    address: isEvery ? nil : binding.hostAddress, family: binding.hostAddress.family,
                    range: PortRange(binding.transport, binding.hostPort...binding.hostPort)))
        }
        let ports = Set(
            container.publishedPorts
                + container.bindings.map { PortRange($0.transport, $0.containerPort...$0.containerPort) })
        // Where ports of the host lead to it, nobody outside is told of its own address.
        let mention: Mention = container.bindings.isEmpty ? .always : .unlessStopped
        for address in container.attachments.flatMap(\.addresses) {
            targets += ports.sorted().map { Target(address: address, range: $0, mention: mention) }
        }
        return targets.isEmpty ? .failure(Obstacle(text: "\(name) publishes no port")) : .success(targets)
    }

    // MARK: What becomes of it

    private struct Alike: Hashable {
        var clients: AddressSet
        var fate: LiveExplanation.Fate
        var ends: Set<LiveExplanation.End>
        var stops: Set<LiveExplanation.Stopping>
        var reasons: [String]
    }

    private mutating func parts(_ targets: [Target], _ clients: AddressSet) -> [LiveExplanation.Part] {
        var order: [Alike] = []
        var dialled: [Alike: Set<LiveExplanation.Dialled>] = [:]
        var interfaces: [Alike: Set<String>] = [:]
        for entrance in interface.map({ [$0] }) ?? outside.interfaces {
            for target in targets {
                let addresses = target.address.map { [$0] } ?? outside.ownAddresses(by: entrance)
                for address in addresses where target.family == nil || target.family == address.family {
                    for port in target.range.ports {
                        let door = LiveExplanation.Dialled(
                            address: address, transport: target.range.transport, port: port)
                        for alike in fates(door, by: entrance, clients.of(address.family))
                        where target.mention == .always || alike.fate != .stopped {
                            if dialled[alike] == nil { order.append(alike) }
                            dialled[alike, default: []].insert(door)
                            interfaces[alike, default: []].insert(entrance)
                        }
                    }
                }
            }
        }
        return order.map { alike in
            LiveExplanation.Part(
                clients: alike.clients, fate: alike.fate,
                dialled: (dialled[alike] ?? []).sorted {
                    ($0.transport, $0.port, $0.address) < ($1.transport, $1.port, $1.address)
                }, interfaces: (interfaces[alike] ?? []).sorted(),
                ends: alike.ends.sorted { "\($0)" < "\($1)" }, stops: alike.stops.sorted { $0.place < $1.place },
                reasons: alike.reasons)
        }.sorted { $0.fate < $1.fate }
    }

    private mutating func fates(
        _ dialled: LiveExplanation.Dialled, by entrance: String, _ clients: AddressSet
    ) -> [Alike] {
        guard !clients.isEmpty, let extent = extent(of: dialled.address, by: entrance) else { return [] }
        let answer = reachability.answer(
            Approach(
                interface: entrance, transport: dialled.transport, address: dialled.address, port: dialled.port),
            through: extent)
        var found: [Alike] = []
        let closed = answer.closed.intersection(clients)
        // By what stops them: one rule after the other.
        for (stop, sources) in answer.stops.sorted(by: { $0.key.text < $1.key.text }) {
            let stopped = sources.intersection(closed)
            guard !stopped.isEmpty else { continue }
            found.append(
                Alike(clients: stopped, fate: .stopped, ends: [], stops: [subject.stopping(stop)], reasons: []))
        }
        for (arrival, sources) in answer.arrivals {
            let open = sources.intersection(answer.open).intersection(clients)
            guard !open.isEmpty else { continue }
            let end = end(arrival, dialled.transport)
            found.append(
                Alike(
                    clients: open, fate: end.isAnswered ? .arrives : .unanswered, ends: [end.end], stops: [],
                    reasons: []))
        }
        let unknown = answer.unknown.intersection(clients)
        if !unknown.isEmpty {
            found.append(
                Alike(
                    clients: unknown, fate: .unknown, ends: [], stops: [], reasons: answer.doubts.map(\.text).sorted()))
        }
        return found
    }

    /// Nil where the container is not on this interface.
    private func extent(of address: IPAddress, by entrance: String) -> Extent? {
        let containers = subject.inventory?.containers ?? []
        for attachment in containers.flatMap(\.attachments) where attachment.addresses.contains(address) {
            guard let network = subject.inventory?.network(id: attachment.network) else { continue }
            switch network.driver {
            case .macvlan, .ipvlan: return network.parent?.description == entrance ? .ingress : nil
            case .bridge, .host, .none, .overlay, .other: return .host
            }
        }
        return .host
    }

    private func end(
        _ arrival: Arrival, _ transport: TransportProtocol
    ) -> (end: LiveExplanation.End, isAnswered: Bool) {
        switch arrival {
        case .forwarded(let address, _, _):
            return (LiveExplanation.End(arrival: arrival, name: address.flatMap { owners[$0] }), true)
        case .delivered(let address, let port):
            let takers = subject.listeners.filter { $0.takes(transport, address, port) && !$0.isReservation }
            let names = Set(takers.flatMap(\.processes)).sorted()
            return (
                LiveExplanation.End(arrival: arrival, name: names.isEmpty ? nil : names.joined(separator: ", ")),
                !takers.isEmpty
            )
        }
    }
}

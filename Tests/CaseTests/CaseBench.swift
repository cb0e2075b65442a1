import Simulator
import Testing

@testable import TestSupport

/// One case on one engine: first without us, then in each form.
struct CaseBench {
    let engine: DockerEngine
    let it: Case

    init(_ engine: DockerEngine, _ name: String) throws {
        self.engine = engine
        it = try Case(name)
    }

    func run() throws {
        try DockerHost.with(engine, it.inventory.benchContainers()) { host in
            try it.inventory.serve(on: host)
            try it.inventory.onTheWire(of: host) { try run(on: host) }
        }
    }

    private func run(on host: DockerHost) throws {
        try expectOpen(host)
        let before = try host.run("nft", "-s", "list", "ruleset").orThrow()
        for form in engine.forms where form != .iptables || it.isWholeInDockerUser {
            try form.load(it.ruleset, into: host)
            try expectFates(form, host)
            try form.unload(it.ruleset, from: host)
            let after = try host.run("nft", "-s", "list", "ruleset").orThrow()
            #expect(after == before, "\(it.name), \(form.rawValue): what is left after it")
        }
    }

    /// Without us everybody is answered, save who takes a direct route that the engine has closed itself: no silence to come
    /// is there before we are.
    private func expectOpen(_ host: DockerHost) throws {
        let probes = try it.packets.map { packet in
            let isClosed = try isClosedByEngine(packet)
            // Of a packet that we are to refuse it is known only that something must come back.
            return try packet.probe(
                on: host, expect: isClosed ? .silent : packet.fate.isLetIn ? outcome(of: packet) : .refused)
        }
        for (packet, (probe, outcome)) in zip(it.packets, zip(probes, try host.probe(probes))) {
            if packet.fate.isLetIn || probe.expected == .silent {
                #expect(outcome == probe.expected, "\(it.name), without us: \(packet)")
            } else {
                #expect(outcome.isSomething, "\(it.name), without us: \(packet): \(outcome)")
            }
        }
    }

    private func expectFates(_ form: Form, _ host: DockerHost) throws {
        let simulation = Simulation(it.linear)
        let traces = try it.packets.map { packet in
            try it.simulated(packet, on: engine).map { simulation.trace($0.packet) }
        }
        let probes = try it.packets.map { packet in
            try packet.probe(on: host, expect: outcome(of: packet))
        }
        let outcomes = try host.probe(probes)
        for (index, packet) in it.packets.enumerated() {
            let comment: Comment = "\(it.name), \(form.rawValue): \(packet)"
            #expect(outcomes[index] == outcome(of: packet), comment)
            guard let fate = traces[index]?.fate, try !isClosedByEngine(packet) else { continue }
            #expect(fate.isBorneOut(by: outcomes[index]), "\(comment): simulated \(fate)")
        }
    }

    private func outcome(of packet: PacketCase) -> Outcome {
        switch packet.fate {
        case .silent: .silent
        case .refused: .refused
        case .echo: .answered(by: "echo")
        case .answered(let name):
            // Where the engine does not translate, docker-proxy stands before the container.
            packet.isFromOutside && packet.isIPv6 && !engine.translatesIPv6
                && it.inventory.containers.contains { $0.name == name }
                ? .answered(by: "proxy:\(name)") : .answered(by: name)
        }
    }

    /// 28 and later drop what comes for a container's own address, save in the modes that are for it; 20 forwards it where the port is published, or over IPv6.
    func isClosedByEngine(_ packet: PacketCase) throws -> Bool {
        let target = try DockerHost.attach(it.inventory.benchContainers()).first {
            [$0.address4, $0.address6].contains(packet.destination)
        }
        guard packet.isFromOutside, let target else { return false }
        let isPublished = target.publications.contains { $0.containerPort == packet.port }
        return switch target.bridge.gateway {
        case .natUnprotected: false
        case .routed: !isPublished
        case .nat, .internal: engine.closesDirectRoutes || !packet.isIPv6 && !isPublished
        }
    }
}

extension Outcome {
    fileprivate var isSomething: Bool {
        switch self {
        case .answered, .connected, .refused: true
        case .silent, .notSent: false
        }
    }
}

extension Trace.Fate {
    fileprivate func isBorneOut(by outcome: Outcome) -> Bool {
        switch self {
        case .accept: if case .answered = outcome { true } else { false }
        case .drop: outcome == .silent
        case .reject: outcome == .refused
        case .unknown: false
        }
    }
}

import Addressing
import Compiler
import Docker
import MatrixSupport
import Nftables
import NftablesKernel
import Policy
import Reconcile
import Simulator
import TestSupport
import Testing

@Suite(.requiresPackets) struct `A port that docker-proxy serves and no service names` {
    private static let policy = "version: 1\nservices: {}\nunlisted: drop"
    private static let db = TestSupport.Container("db", publish: ["5432:5432", "5432:5432/udp"])

    private static let inventory = Inventory(containers: [
        Docker.Container(
            id: "db", name: "db",
            bindings: ["0.0.0.0", "::"].compactMap(IPAddress.init).flatMap { address in
                [TransportProtocol.tcp, .udp].map {
                    Binding(hostAddress: address, hostPort: 5432, transport: $0, containerPort: 5432)
                }
            })
    ])

    /// docker0 has no IPv6 unless asked, so this is any published port of a host that itself has an IPv6 address.
    @Test(arguments: DockerEngine.allCases) func `is closed where Docker was asked`(engine: DockerEngine) throws {
        try DockerHost.with(engine, [Self.db]) { host in
            var connection = try KernelConnection(namespace: host.namespace.path)
            var policy = try ResolvedPolicy.reading(Self.policy)
            policy.inventory = Self.inventory
            _ = try connection.apply(Compiler.compile(policy).linearized())
            try host.expect([
                Probe(from: "203.0.113.7", to: "192.0.2.1:5432", expect: .silent),
                Probe(from: "2001:db8:10::7", to: "[2001:db8:1::1]:5432", expect: .silent),
                Probe(.udp, from: "2001:db8:10::7", to: "2001:db8:1::1", port: 5432, expect: .silent),
            ])
        }
    }

    /// Without what Docker knows it is a process of the host like any other, and `host` has to close it.
    @Test(arguments: ["": Outcome.answered(by: "proxy:db"), "host: { otherwise: drop }": .silent])
    func `is as the host's own ports are where Docker was not asked`(host text: String, _ outcome: Outcome) throws {
        try DockerHost.with(.iptables28, [Self.db]) { host in
            var connection = try KernelConnection(namespace: host.namespace.path)
            _ = try connection.apply(policy: Self.policy + "\n" + text)
            try host.expect([
                Probe(from: "203.0.113.7", to: "192.0.2.1:5432", expect: .silent),
                Probe(from: "2001:db8:10::7", to: "[2001:db8:1::1]:5432", expect: outcome),
            ])
        }
    }

    /// Nothing is opened by a UDP server that has learnt of its client before.
    @Test func `answers nobody any more over UDP once it is closed`() throws {
        try DockerHost.with(.iptables28, [Self.db]) { host in
            var connection = try KernelConnection(namespace: host.namespace.path)
            _ = try connection.apply(policy: Self.policy)
            let stream = try host.stream(.udp, from: "2001:db8:10::7", to: "[2001:db8:1::1]:5432", .serverOnly)
            var policy = try ResolvedPolicy.reading(Self.policy)
            policy.inventory = Self.inventory
            _ = try connection.apply(Compiler.compile(policy).linearized())
            #expect(stream.flow().toClient == 0)
        }
    }

    private func fate(
        _ source: String, _ destination: String, _ port: UInt16, through interface: String = "ext0", services: String,
        _ bindings: [Binding], ofAnother others: [Binding] = []
    ) throws -> Trace.Fate {
        let inventory = Inventory(containers: [
            Docker.Container(id: "1", name: "db", bindings: bindings),
            Docker.Container(id: "2", name: "other", bindings: others),
        ])
        let policy = try ResolvedPolicy.reading("version: 1\nservices: { \(services) }", against: inventory)
        let packet = Packet.toHost(
            .tcp, from: Endpoint(try #require(IPAddress(source)), 40000),
            to: Endpoint(try #require(IPAddress(destination)), port), iifname: interface)
        return Simulation(Compiler.compile(policy).linearized()).trace(packet).fate
    }

    @Test func `leaves a process on another address of the host alone`() throws {
        let bound = Binding(
            hostAddress: try #require(IPAddress("192.0.2.1")), hostPort: 9100, transport: .tcp, containerPort: 80)
        #expect(try fate("203.0.113.7", "192.0.2.1", 9100, services: "", [bound]) == .drop)
        #expect(try fate("203.0.113.7", "198.51.100.1", 9100, services: "", [bound]) == .accept)
        let four = Binding(
            hostAddress: try #require(IPAddress("0.0.0.0")), hostPort: 9100, transport: .tcp, containerPort: 80)
        #expect(try fate("203.0.113.7", "198.51.100.1", 9100, services: "", [four]) == .drop)
        #expect(try fate("2001:db8:10::7", "2001:db8:1::1", 9100, services: "", [four]) == .accept)
    }

    /// Docker has bound it to one address. What the policy does not limit itself is not closed on the others.
    @Test func `leaves one alone also where a service names the container`() throws {
        func bound(_ address: String) throws -> Binding {
            Binding(
                hostAddress: try #require(IPAddress(address)), hostPort: 9100, transport: .tcp, containerPort: 80)
        }
        func fate(
            _ source: String, _ destination: String, _ keys: String = "", other: [Binding] = []
        ) throws -> Trace.Fate {
            try self.fate(
                source, destination, 9100, services: "db: { container: db, \(keys) allow: 203.0.113.7 }",
                [bound("192.0.2.1")], ofAnother: other)
        }
        #expect(try fate("203.0.113.7", "192.0.2.1") == .accept)
        #expect(try fate("203.0.113.8", "192.0.2.1") == .drop)
        #expect(try fate("203.0.113.8", "198.51.100.1") == .accept, "a process of the host")
        #expect(try fate("203.0.113.7", "198.51.100.1", other: [bound("198.51.100.1")]) == .drop, "Docker's")
        #expect(try fate("203.0.113.8", "198.51.100.1", "on: 192.0.2.1,") == .drop, "the policy says where")
        #expect(try fate("203.0.113.7", "192.0.2.1", "interfaces: [ext1],") == .drop, "and through what")
    }

    @Test func `is open to who may enter any port, through the interfaces that they may come by`() throws {
        let binding = Binding(
            hostAddress: try #require(IPAddress("::")), hostPort: 5432, transport: .tcp, containerPort: 5432)
        let services = "all: { publish: any, interfaces: [ext1], allow: \"2001:db8:10::7\" }"
        func fate(_ source: String, _ port: UInt16, _ interface: String) throws -> Trace.Fate {
            try self.fate(source, "2001:db8:1::1", port, through: interface, services: services, [binding])
        }
        #expect(try fate("2001:db8:10::7", 5432, "ext1") == .accept)
        #expect(try fate("2001:db8:10::8", 5432, "ext1") == .drop)
        #expect(try fate("2001:db8:10::7", 5432, "ext0") == .drop)
        #expect(try fate("2001:db8:10::8", 5433, "ext1") == .accept, "a process of the host")
    }
}

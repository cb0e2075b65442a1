import Compiler
import Glibc
import MatrixSupport
import NftablesKernel
import Reconcile
import Testing

@testable import TestSupport

/// What a host does besides serving its ports goes on under the strictest policy.
@Suite(.requires(Requirement.packets + [.conntrack])) struct `What must not break` {
    static let strict = """
        version: 1
        services: {}
        unlisted: drop
        host: { otherwise: drop }

        """

    // MARK: Conntrack helpers

    /// Fetches a file by TFTP (RFC 1350): the server answers from a port that nobody has asked. What came, or nil.
    private func fetch(
        _ host: DockerHost, at place: Place, from source: String, patience: Duration = .seconds(5)
    ) throws -> [UInt8]? {
        let address = "192.0.2.10"
        let (server, data) = try host.client.enter {
            let sockets = (
                try Socket(family: AF_INET, type: SOCK_DGRAM), try Socket(family: AF_INET, type: SOCK_DGRAM)
            )
            #expect(sockets.0.bind(to: try SocketAddress(address, port: 69)) == 0)
            #expect(sockets.1.bind(to: try SocketAddress(address)) == 0)
            return sockets
        }
        let client = try host.namespace(of: place).enter {
            let client = try Socket(family: AF_INET, type: SOCK_DGRAM)
            #expect(client.bind(to: try SocketAddress(source)) == 0)
            return client
        }
        #expect(client.send([0, 1] + Array("file\0octet\0".utf8), to: try SocketAddress(address, port: 69)) == 0)
        #expect(waitForAny([(server.descriptor, false)], until: .now + .seconds(5)) == [0], "the request arrives")
        let request = try #require(server.receiveDatagram())
        #expect(data.send([0, 3, 0, 1] + Array("text".utf8), backTo: request.origin) == 0)
        guard !waitForAny([(client.descriptor, false)], until: .now + patience).isEmpty else { return nil }
        return client.receiveDatagram()?.bytes
    }

    private static let helper = """
        table inet helpers {
            ct helper trivial { type "tftp" protocol udp; }
            chain prerouting {
                type filter hook prerouting priority -150;
                udp dport 69 ct helper set "trivial"
            }
            chain output {
                type filter hook output priority -150;
                udp dport 69 ct helper set "trivial"
            }
        }
        """

    @Test(arguments: [(Place.container("app"), "172.17.0.2"), (.host, "192.0.2.1")])
    func `is a connection that a conntrack helper foresaw`(place: Place, source: String) throws {
        try DockerHost.with(.iptables28, [Container("app")]) { host in
            var connection = try KernelConnection(namespace: host.namespace.path)
            _ = try connection.apply(policy: Self.strict)
            #expect(try fetch(host, at: place, from: source, patience: .milliseconds(300)) == nil, "without a helper")
            try host.load(Self.helper)
            #expect(try fetch(host, at: place, from: source) == [0, 3, 0, 1] + Array("text".utf8))
        }
    }

    // MARK: Connections to the outside

    /// What conntrack has forgotten it takes up again with the first segment of a client.
    @Test(arguments: [Bridge.docker0, .routed])
    func `is a container's connection to the outside, when conntrack forgets everything`(bridge: Bridge) throws {
        try DockerHost.with(.iptables28, [Container("app", on: bridge)]) { host in
            var connection = try KernelConnection(namespace: host.namespace.path)
            _ = try connection.apply(policy: Self.strict)
            let listener = try host.client.enter {
                let listener = try Socket(family: AF_INET, type: SOCK_STREAM)
                #expect(listener.bind(to: try SocketAddress("192.0.2.10", port: 443)) == 0)
                try listener.listen()
                return listener
            }
            let client = try host.namespace(of: .container("app")).enter {
                let client = try Socket(family: AF_INET, type: SOCK_STREAM)
                #expect(client.connect(to: try SocketAddress("192.0.2.10", port: 443)) == EINPROGRESS)
                return client
            }
            try expectArrival(listener)
            let server = try #require(listener.accept())
            for word in ["before", "after"] {
                #expect(client.send(Array(word.utf8)) == 0)
                try expectArrival(server)
                #expect(server.receive() == .bytes(Array(word.utf8)), "\(word)")
                #expect(server.send(Array(word.utf8)) == 0)
                try expectArrival(client)
                #expect(client.receive() == .bytes(Array(word.utf8)), "\(word)")
                try host.run("conntrack", "-F").orThrow()
            }
        }
    }

    private func expectArrival(_ socket: Socket, sourceLocation: SourceLocation = #_sourceLocation) throws {
        try #require(
            waitForAny([(socket.descriptor, false)], until: .now + .seconds(5)) == [0], sourceLocation: sourceLocation)
    }

    // MARK: The administrator's own DNAT

    @Test(arguments: ["services: {}", "services: { any: { publish: any, allow: 203.0.113.9 } }"])
    func `is an administrator's own DNAT to a machine that is no container`(services: String) throws {
        try withForwardedPort { host, connection in
            _ = try connection.apply(policy: "version: 1\n\(services)\nunlisted: drop")
            try host.expect([
                Probe(from: "203.0.113.7", to: "192.0.2.1:2222", expect: .answered(by: "backend")),
                Probe(from: "203.0.113.7", to: "192.0.2.1:8081", expect: .silent),
            ])
        }
    }

    @Test func `is yet judged where a service names its port, whoever translates it`() throws {
        try withForwardedPort { host, connection in
            _ = try connection.apply(
                policy: "version: 1\nservices: { ssh: { publish: 2222, allow: 203.0.113.9 } }\nunlisted: drop")
            try host.expect([
                Probe(from: "203.0.113.9", to: "192.0.2.1:2222", expect: .answered(by: "backend")),
                Probe(from: "203.0.113.7", to: "192.0.2.1:2222", expect: .silent),
            ])
        }
    }

    private func withForwardedPort(_ body: (DockerHost, inout KernelConnection) throws -> Void) throws {
        try DockerHost.with(.iptables28, [Container("web", publish: ["8081:80"])]) { host in
            try host.serve("backend", at: .otherClient, on: 22)
            try host.load(
                """
                table ip administrator {
                    chain prerouting {
                        type nat hook prerouting priority -110;
                        ip daddr 192.0.2.1 tcp dport 2222 dnat to 198.51.100.10:22
                    }
                }
                """)
            try host.run("iptables-nft", "-I", "FORWARD", "-i", "ext0", "-o", "ext1", "-j", "ACCEPT").orThrow()
            try host.run("iptables-nft", "-I", "FORWARD", "-i", "ext1", "-o", "ext0", "-j", "ACCEPT").orThrow()
            try host.expect([Probe(from: "203.0.113.7", to: "192.0.2.1:2222", expect: .answered(by: "backend"))])
            var connection = try KernelConnection(namespace: host.namespace.path)
            try body(host, &connection)
        }
    }

    // MARK: Multicast memberships

    @Test func `is IGMP, and no other protocol passes with it`() throws {
        try DockerHost.with { host in
            try host.load(
                """
                table inet watch {
                    counter passed { }
                    counter others { }
                    chain input {
                        type filter hook input priority 1000;
                        ip saddr 203.0.113.7 meta l4proto 2 counter name "passed"
                        ip saddr 203.0.113.7 meta l4proto 47 counter name "others"
                    }
                }
                """)
            var connection = try KernelConnection(namespace: host.namespace.path)
            _ = try connection.apply(policy: Self.strict)
            for number: Int32 in [2, 47] {
                let socket = try host.client.enter {
                    let socket = try Socket(family: AF_INET, type: SOCK_RAW, protocol: number)
                    #expect(socket.bind(to: try SocketAddress("203.0.113.7")) == 0)
                    return socket
                }
                #expect(socket.send([0x16, 0, 0, 0, 0, 0, 0, 0], to: try SocketAddress("192.0.2.1")) == 0)
            }
            let deadline = ContinuousClock.now + .seconds(5)
            var refused = 0 as UInt64
            var passed = 0 as UInt64
            while refused + passed < 2, ContinuousClock.now < deadline {
                pause(.milliseconds(20))
                refused = try #require(try connection.readCounters(table: Compiler.tableName)?["host-refused"]).packets
                passed = try #require(try connection.readCounters(table: "watch")?["passed"]).packets
            }
            #expect(refused == 1)
            #expect(passed == 1)
            #expect(try #require(try connection.readCounters(table: "watch")?["others"]).packets == 0)
        }
    }
}

import Addressing
import Foundation
import TestSupport
import Testing

extension `A real Docker` {
    @Suite struct `when a client is taken off the list` {
        private static let containers = [
            Container("db", publish: ["5432:5432", "5432:5432/udp"]),
            Container("cache", on: .dual, publish: ["6379:6379", "6379:6379/udp"]),
        ]

        private static func policy(allow: [String]) -> String {
            let list = allow.map { "\"\($0)\"" }.joined(separator: ", ")
            return """
                version: 1
                services:
                  db: { publish: [5432, 5432/udp], allow: [\(list)] }
                  cache: { publish: [6379, 6379/udp], allow: [\(list)] }
                  anonymous: { publish: [9999, 8090], allow: anyone }

                """
        }

        private static let staying = ["203.0.113.7", "2001:db8:10::7", "198.51.100.10", "2001:db8:20::7"]
        private static let leaving = ["203.0.113.8", "2001:db8:10::8", "198.51.100.140", "2001:db8:20::8"]

        /// Over IPv4 by DNAT; over IPv6 by docker-proxy, or by DNAT where Docker does that.
        @Test(arguments: [Mode.standard, .translatingIPv6])
        func `stops its streams at once, and costs the others nothing`(mode: Mode) throws {
            try DockerHost.with { host in
                try Installation.with(host.namespace) { installation in
                    try installation.apply(Self.policy(allow: Self.staying + Self.leaving))
                    try RealDocker.with(on: host, mode.flags) { docker in
                        try docker.createNetwork(.dual)
                        for container in Self.containers { try docker.run(container, serving: .bench) }
                        let kept = try streams(host, from: Self.staying)
                        let cut = try streams(host, from: Self.leaving)
                        try installation.apply(Self.policy(allow: Self.staying))
                        // Nothing more of theirs gets in; a server goes on sending over TCP until its window is full.
                        expectSilence(cut, \.toServer)
                        Thread.sleep(forTimeInterval: 1)
                        expectSilence(cut, \.toClient)
                        for (name, stream) in kept {
                            #expect(stream.flow(during: .milliseconds(100)).isFlowingBothWays, "\(name)")
                        }
                        for (name, stream) in kept { #expect(stream.lost() == .none, "\(name)") }
                        // Whoever is allowed again goes on where he was.
                        try installation.apply(Self.policy(allow: Self.staying + Self.leaving))
                        for (name, stream) in cut {
                            #expect(throws: Never.self, "\(name)") { try stream.waitUntilFlowing(within: .seconds(20)) }
                        }
                    }
                }
            }
        }

        /// All of them at once, for what is late to be looked at has had the time to fall silent.
        private func expectSilence(
            _ streams: [(name: String, stream: TestSupport.Stream)], _ direction: KeyPath<TestSupport.Stream.Flow, Int>,
            sourceLocation: SourceLocation = #_sourceLocation
        ) {
            Thread.sleep(forTimeInterval: 0.1)
            let before = streams.map(\.stream.total)
            Thread.sleep(forTimeInterval: 0.4)
            for ((name, stream), before) in zip(streams, before) {
                #expect(
                    stream.total[keyPath: direction] == before[keyPath: direction], "\(name)",
                    sourceLocation: sourceLocation)
            }
        }

        /// One for each transport, family, interface and port.
        private func streams(_ host: DockerHost, from sources: [String]) throws -> [(
            name: String, stream: TestSupport.Stream
        )] {
            var streams: [(name: String, stream: TestSupport.Stream)] = []
            for port in [5432, 6379] {
                for source in sources {
                    let isOther = source.hasPrefix("198.51") || source.hasPrefix("2001:db8:20:")
                    // docker-proxy answers UDP from the address that the route has, so each dials the one on its own side.
                    let address =
                        source.contains(":") ? (isOther ? "[2001:db8:2::1]" : "[2001:db8:1::1]") : "192.0.2.1"
                    for transport in [TransportProtocol.tcp, .udp] {
                        let stream = try host.stream(
                            transport, from: source, to: "\(address):\(port)", at: isOther ? .otherClient : .client)
                        streams.append(("\(transport) from \(source) to \(port)", stream))
                    }
                }
            }
            return streams
        }
    }
}

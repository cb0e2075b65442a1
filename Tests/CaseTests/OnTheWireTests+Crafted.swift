import Addressing
import Testing

@testable import TestSupport

extension `A container on the wire` {
    private static let container: [AddressFamily: IPAddress] = [
        .ipv4: .v4(IPv4Address(0xc000_0205)), .ipv6: .v6(IPv6Address(0x2001_0db8_0001 << 80 | 5)),
    ]
    private static let allowed: [AddressFamily: IPAddress] = [
        .ipv4: .v4(IPv4Address(0xcb00_7107)), .ipv6: .v6(IPv6Address(0x2001_0db8_0010 << 80 | 7)),
    ]
    private static let neighbour: [AddressFamily: IPAddress] = [
        .ipv4: .v4(IPv4Address(0xc000_0242)), .ipv6: .v6(IPv6Address(0x2001_0db8_0001 << 80 | 0x66)),
    ]

    /// Every shape in both families, each from a port of its own.
    private static func requests(
        from sources: [AddressFamily: IPAddress], to port: UInt16, firstPort: UInt16
    ) throws -> [CraftedSYN] {
        var requests: [CraftedSYN] = []
        for family in AddressFamily.allCases {
            for shape in CraftedSYN.Shape.all(family) {
                requests.append(
                    CraftedSYN(
                        shape: shape, source: try #require(sources[family]),
                        sourcePort: firstPort + UInt16(requests.count),
                        destination: try #require(container[family]), port: port))
            }
        }
        return requests
    }

    /// Whatever stands before the TCP header, and however it is cut.
    @Test func `is not reached behind options or in fragments either`() throws {
        try with { host, _ in
            let before = try Self.requests(from: Self.neighbour, to: 80, firstPort: 41000)
            let open = try host.answered(
                before, awaiting: Set(before.filter { !$0.isRefusedByKernel }.map(\.sourcePort)))
            for request in before {
                #expect(
                    open.contains(request.sourcePort) == !request.isRefusedByKernel,
                    "without rules: \(request.shape) over \(request.source.family)")
            }

            try apply(Self.resolved(unlisted: "drop"), to: host)
            let refused =
                try Self.requests(from: Self.neighbour, to: 80, firstPort: 42000)
                + Self.requests(from: Self.neighbour, to: 81, firstPort: 43000)
                + Self.requests(from: Self.allowed, to: 81, firstPort: 44000)
            let served = try Self.requests(from: Self.allowed, to: 80, firstPort: 45000)
            let expected = served.filter { !$0.isRefusedByKernel && !$0.hasFragmentOfNoKnownProtocol }
            let found = try host.answered(refused + served, awaiting: Set(expected.map(\.sourcePort)))
            for request in refused {
                #expect(!found.contains(request.sourcePort), "\(request)")
            }
            for request in expected {
                #expect(found.contains(request.sourcePort), "\(request)")
            }
        }
    }
}

extension CraftedSYN {
    /// Linux drops a first IPv6 fragment that ends before its TCP header does (RFC 8200, 4.5).
    fileprivate var isRefusedByKernel: Bool { shape == .shortFirstFragment && source.family == .ipv6 }

    /// Linux 6.18 reads ports from later IPv4 fragments at the ingress hook: what they hold decides whether they pass. And of a
    /// later IPv6 fragment of options it cannot tell the protocol, so that it is refused. Either harms who is on the list only.
    fileprivate var hasFragmentOfNoKnownProtocol: Bool {
        switch shape {
        case .fragments, .fragmentsLastFirst: source.family == .ipv4
        case .fragmentedDestinationOptions: true
        case .whole, .hopByHopOptions, .destinationOptions, .ipv4Options, .atomicFragment, .shortFirstFragment,
            .hopByHopOptionsAndFragments:
            false
        }
    }
}

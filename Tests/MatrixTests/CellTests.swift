import Addressing
import Testing

@testable import MatrixSupport
@testable import TestSupport

@Suite struct `The cells of the matrix` {
    /// What makes a cell another one, whoever is dialled.
    private struct Combination: Hashable, CustomStringConvertible {
        var path: Path
        var family: AddressFamily
        var kind: Probe.Kind
        var caller: String

        var description: String { "\(path.rawValue), \(family), \(kind), \(caller)" }

        /// Whether there is no such thing.
        var isImpossible: Bool {
            if caller.hasSuffix("link-local") { if family == .ipv4 { return true } }
            return switch path {
            case .linkLocal: family == .ipv4
            // No packet for ::1 is ever taken from outside, and only one client sends any for 127.0.0.0/8.
            case .loopback, .pinnedToLoopback: family == .ipv6 || path == .loopback && caller.contains("second")
            case .directInternal: family == .ipv6
            case .published, .otherAddress, .gateway, .pinned, .pinnedElsewhere, .directPublished, .directUnpublished,
                .directWithoutPorts, .directRouted, .directUnprotected, .onTheWire, .hostNetwork, .hostItself:
                false
            case .inside: true
            }
        }
    }

    private static let all = Path.allCases.flatMap { path in
        AddressFamily.allCases.flatMap { family in
            [Probe.Kind.tcp, .udp].flatMap { kind in
                Caller.all.map { Combination(path: path, family: family, kind: kind, caller: $0.name) }
            }
        }
    }

    @Test func `are every path by every family, protocol and client that there is`() throws {
        let cells = try Estate(hasGatewayModes: true).cells
        let made = Set(
            cells.map { Combination(path: $0.path, family: $0.family, kind: $0.probe.kind, caller: $0.caller) })
        for combination in Self.all {
            #expect(made.contains(combination) != combination.isImpossible, "\(combination)")
        }
        #expect(cells.count >= 1000)
    }

    @Test func `are each asked once`() throws {
        let cells = try Estate(hasGatewayModes: true).cells
        #expect(Set(cells.map(\.probe)).count == cells.count)
    }
}

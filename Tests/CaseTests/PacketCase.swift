import Addressing

@testable import TestSupport

/// A line of `packets.txt`: `FROM -> TO  FATE`.
struct PacketCase: Sendable, CustomStringConvertible {
    enum Source: Sendable, Hashable {
        case outside(String)
        case host
        case container(String)
    }

    /// What is to become of a packet.
    enum Fate: Sendable, Hashable {
        case answered(by: String)
        case silent
        case refused
        case echo

        var isLetIn: Bool {
            switch self {
            case .answered, .echo: true
            case .silent, .refused: false
            }
        }
    }

    let source: Source
    let kind: Probe.Kind
    let destination: String
    let port: UInt16
    let fate: Fate
    let description: String

    var isFromOutside: Bool { if case .outside = source { true } else { false } }
    var isIPv6: Bool { destination.contains(":") }

    /// The outside that owns the source address.
    var place: Place {
        switch source {
        case .outside(let address):
            ["198.51.100.", "2001:db8:2:", "2001:db8:20:"].contains(where: address.hasPrefix) ? .otherClient : .client
        case .host: .host
        case .container(let name): .container(name)
        }
    }

    static func parse(_ text: String, of name: String) throws -> [PacketCase] {
        try text.split(separator: "\n").filter { !$0.hasPrefix("#") }.map { line in
            let words = line.split(separator: " ").map(String.init)
            guard words.count == 4, words[1] == "->", let packet = PacketCase(words[0], to: words[2], words[3]) else {
                throw BenchError("\(name)/packets.txt: \(line)")
            }
            return packet
        }
    }

    private init?(_ source: String, to target: String, _ fate: String) {
        let halves = target.split(separator: "/").map(String.init)
        guard halves.count == 2, let kind = Probe.Kind(rawValue: halves[1]) else { return nil }
        self.kind = kind
        (destination, port) = splitEndpoint(halves[0])
        guard kind == .ping ? port == 0 : port != 0 else { return nil }
        self.source =
            switch source {
            case "@host": .host
            case _ where source.hasPrefix("@"): .container(String(source.dropFirst()))
            default: .outside(source)
            }
        self.fate =
            switch fate {
            case "silent": .silent
            case "refused": .refused
            case "echo": .echo
            default: .answered(by: fate)
            }
        description = "\(source) -> \(target)"
    }

    /// The probe to send, with the outcome that is waited for.
    func probe(on host: DockerHost, expect expected: Outcome?) throws -> Probe {
        Probe(kind, from: try address(on: host), to: destination, port: port, at: place, expect: expected)
    }

    private func address(on host: DockerHost) throws -> String {
        switch source {
        case .outside(let address): address
        case .container(let name): try host.address(of: name, isIPv6 ? .ipv6 : .ipv4)
        case .host:
            switch destination {
            // To itself, from the same address.
            case "127.0.0.1", "::1", "192.0.2.1", "198.51.100.1", "2001:db8:1::1", "2001:db8:2::1": destination
            case _ where isIPv6: destination.hasPrefix("2001:db8:20:") ? "2001:db8:2::1" : "2001:db8:1::1"
            default: destination.hasPrefix("198.51.100.") ? "198.51.100.1" : "192.0.2.1"
            }
        }
    }
}

import Addressing

/// One published port of one container, as Docker knows it after it has read `-p`.
struct Publication: Hashable, Sendable {
    /// nil for any address of the host.
    var hostAddress: String?
    var hostPort: UInt16
    var containerPort: UInt16
    var transport: TransportProtocol

    /// Docker's short form, `[[address]:]port[-port]:port[-port][/protocol]`.
    static func parse(_ text: String) throws -> [Publication] {
        func malformed() -> BenchError { BenchError("\(text): not a published port") }
        let halves = text.split(separator: "/")
        guard let transport = TransportProtocol(halves.count == 2 ? String(halves[1]) : "tcp") else {
            throw malformed()
        }
        var parts = halves[0].split(separator: ":", omittingEmptySubsequences: false)
        guard parts.count >= 2, let inner = ports(parts.removeLast()), let outer = ports(parts.removeLast()),
            inner.count == outer.count
        else { throw malformed() }
        let address = parts.joined(separator: ":").filter { $0 != "[" && $0 != "]" }
        return zip(outer, inner).map {
            Publication(
                hostAddress: address.isEmpty ? nil : address, hostPort: $0, containerPort: $1, transport: transport)
        }
    }

    /// `80` or `80/udp`.
    static func parseListening(_ text: String) throws -> (port: UInt16, transport: TransportProtocol) {
        let parts = text.split(separator: "/").map(String.init)
        guard let port = UInt16(parts[0]), let transport = TransportProtocol(parts.count == 2 ? parts[1] : "tcp") else {
            throw BenchError("\(text): not a port")
        }
        return (port, transport)
    }

    private static func ports(_ text: Substring) -> ClosedRange<UInt16>? {
        let ends = text.split(separator: "-").compactMap { UInt16($0) }
        guard let first = ends.first, let last = ends.last, first <= last else { return nil }
        return first...last
    }

    /// Whether Docker has it in this family's rules.
    func applies(to family: AddressFamily) -> Bool {
        guard let hostAddress, hostAddress != "0.0.0.0", hostAddress != "::" else {
            return hostAddress == nil || (hostAddress == "0.0.0.0") == (family == .ipv4)
        }
        return hostAddress.contains(":") == (family == .ipv6)
    }

    /// The one host address that it is bound to.
    var pinnedAddress: String? { hostAddress == "0.0.0.0" || hostAddress == "::" ? nil : hostAddress }
}

/// The address of host number `host` in a network, `hostAddress(2, in: "172.17.0.0/16")`.
func hostAddress(_ host: UInt32, in network: String) throws -> String {
    do {
        return switch try AddressText(network) {
        case .v4(let range): (range.lowerBound + host).text
        case .v6(let range): (range.lowerBound + UInt128(host)).text
        }
    } catch { throw BenchError("\(network): \(error)") }
}

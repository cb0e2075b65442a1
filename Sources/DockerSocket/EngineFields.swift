internal import Addressing

/// An address, or "" where there is none.
struct AddressField: Decodable, Sendable {
    var address: IPAddress?

    init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        let text = try container.decode(String.self)
        address = IPAddress(text)
        guard text.isEmpty || address != nil else {
            throw DecodingError.dataCorruptedError(in: container, debugDescription: "an address, not “\(text)”")
        }
    }
}

struct SubnetField: Decodable, Sendable {
    var subnet: AddressText?

    init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        let text = try container.decode(String.self)
        do {
            subnet = text.isEmpty ? nil : try AddressText(text)
        } catch AddressTextError.hostBitsSet(let network, _) {
            // As it was asked for, `192.0.2.1/24`: Docker means the network.
            subnet = try AddressText(network)
        } catch {
            throw DecodingError.dataCorruptedError(in: container, debugDescription: "a subnet, not “\(text)”")
        }
    }
}

struct TransportField: Decodable, Sendable {
    var transport: TransportProtocol

    init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        let text = try container.decode(String.self)
        guard let transport = TransportProtocol(text) else {
            throw DecodingError.dataCorruptedError(in: container, debugDescription: "tcp, udp or sctp, not “\(text)”")
        }
        self.transport = transport
    }
}

/// Of one port or several, `8081` or `8000-8010`; "" and 0 leave the choice to Docker.
struct HostPortField: Decodable, Sendable {
    var ports: ClosedRange<UInt16>?

    init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        let text = try container.decode(String.self)
        ports = ClosedRange(ports: text)
        guard text.isEmpty || ports != nil else {
            throw DecodingError.dataCorruptedError(in: container, debugDescription: "a port, not “\(text)”")
        }
        if ports?.lowerBound == 0 { ports = nil }
    }
}

/// An object whose keys are ports of a container, `80/tcp` or `80-90/tcp`.
struct PortTable: Decodable, Sendable {
    struct Row: Sendable {
        var port: PortRange
        var hostPorts: [InspectedContainer.HostPort]
    }

    var rows: [Row]

    init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: Key.self)
        rows = try container.allKeys.map { key in
            let parts = key.stringValue.split(separator: "/", maxSplits: 1).map(String.init)
            guard let first = parts.first, let ports = ClosedRange(ports: first),
                let transport = TransportProtocol(parts.count == 2 ? parts[1] : "tcp")
            else {
                throw DecodingError.dataCorruptedError(
                    forKey: key, in: container, debugDescription: "a key as 80/tcp")
            }
            // Null where the port is only exposed.
            let hostPorts = try container.decodeIfPresent([InspectedContainer.HostPort].self, forKey: key)
            return Row(port: PortRange(transport, ports), hostPorts: hostPorts ?? [])
        }
    }

    private struct Key: CodingKey {
        var stringValue: String
        var intValue: Int? { nil }
        init(stringValue: String) { self.stringValue = stringValue }
        init?(intValue: Int) { nil }
    }
}

extension ClosedRange<UInt16> {
    /// `80` or `80-90`
    init?(ports text: String) {
        let parts = text.split(separator: "-", omittingEmptySubsequences: false)
        guard parts.count <= 2, let first = UInt16(parts[0]), let last = UInt16(parts[parts.count - 1]), first <= last
        else { return nil }
        self = first...last
    }
}

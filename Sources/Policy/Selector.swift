public import Addressing
public import Diagnostics
internal import Docker

/// What a service says its containers by, instead of the host's ports.
public struct Selector: Hashable, Sendable {
    public enum Target: Hashable, Sendable, CustomStringConvertible {
        case container(String)
        case compose(project: String, service: String)
        case label(key: String, value: String)

        /// As the policy has it.
        public var description: String {
            switch self {
            case .container(let name): "container: \(name)"
            case .compose(let project, let service): "compose: \(project)/\(service)"
            case .label(let key, let value): "label: \(key)=\(value)"
            }
        }
    }

    public var target: Target
    /// Ports of the containers; empty means all that they publish.
    public var ports: [PortRange]
    /// Whether it is an error that nothing is found.
    public var isRequired: Bool
    public var span: Span
}

extension Selector {
    func matches(_ container: Container) -> Bool {
        switch target {
        case .container(let name): container.name == name
        case .compose(let project, let service): container.composeService == "\(project)/\(service)"
        case .label(let key, let value): container.labels[key] == value
        }
    }

    /// Whether it speaks of a port of its containers.
    func covers(_ port: UInt16, _ transport: TransportProtocol) -> Bool {
        ports.isEmpty || ports.contains { $0.transport == transport && $0.ports.contains(port) }
    }
}

/// A port of the host, on one of its addresses, or on all.
public struct HostPort: Hashable, Comparable, Sendable {
    public var address: IPAddress?
    public var range: PortRange

    public init(_ address: IPAddress?, _ range: PortRange) {
        self.address = address
        self.range = range
    }

    public static func < (left: Self, right: Self) -> Bool {
        switch (left.address, right.address) {
        case (nil, .some): true
        case (.some, nil): false
        case (nil, nil): left.range < right.range
        case (.some(let first), .some(let second)): (first, left.range) < (second, right.range)
        }
    }
}

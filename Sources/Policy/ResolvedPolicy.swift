public import Addressing
public import Diagnostics
public import Docker

/// A policy whose every name has been followed: what the compiler reads. Services and groups are in name order, so that the
/// order of the file changes nothing.
public struct ResolvedPolicy: Sendable {
    public var interfaces: Interfaces
    public var groups: [Group]
    public var services: [Service]
    public var unlisted: Unlisted
    public var refuse: Refusal
    public var log: Log
    public var host: Host?
    /// Tests of the policy, which a program runs on the rules that it becomes.
    public var expectations: [Expectation] = []
    /// Where `unlisted` was written; nil where it is what it is by default.
    public var unlistedSpan: Span?
    /// What Docker runs, as far as it was asked: empty where it was not.
    public var inventory = Inventory()
    /// Whether what Docker publishes is all in the inventory.
    public var isDockerKnown = false
    /// Parents of macvlan and ipvlan networks that the host is known not to have.
    public var absentParents: Set<InterfaceName> = []

    /// The services that only Docker can say the ports of.
    public var selecting: [Service] { services.filter { $0.selector != nil } }
}

public struct Interfaces: Hashable, Sendable {
    public enum External: Hashable, Sendable {
        /// Every interface except `lo` and the container bridges.
        case auto
        case listed([InterfaceName])
    }

    public var external: External
    public var containers: [InterfaceName]
    /// Where the policy speaks of them, or its beginning.
    public var span: Span
}

/// A named list of sources. Its addresses are its own; those of the groups it names are theirs.
public struct Group: Sendable {
    public var name: String
    public var addresses: AddressSet
    /// The groups that this one names, directly or through others, in name order, itself not among them.
    public var members: [String]
    public var span: Span
}

/// Who may, or may not: `anyone`, or groups and addresses. `nobody` is the empty list.
public enum Sources: Hashable, Sendable {
    case anyone
    /// Groups are named with all that they nest, in name order; addresses are those written in place.
    case listed(groups: [String], addresses: AddressSet)

    public static var nobody: Self { .listed(groups: [], addresses: AddressSet()) }
}

public struct Service: Sendable {
    public enum Publish: Hashable, Sendable {
        case any
        case ports([PortRange])
        /// What containers publish that Docker is asked for.
        case selected(Selector)
    }

    public var name: String
    public var publish: Publish
    /// The host addresses that it is published on; empty means any.
    public var on: [IPAddress]
    /// The interfaces that it is reached through; empty means every external one.
    public var interfaces: [InterfaceName]
    public var allow: Sources
    public var except: Sources
    public var span: Span
    /// Where `allow` was written, and `except`.
    public var allowSpan: Span?
    public var exceptSpan: Span?
    /// What its selector stands for among the ports of the host.
    public var selected: [HostPort] = []
    /// Ports of containers at their own addresses, on networks where they are reached at these.
    public var direct: [DirectPort] = []

    /// Ports of the host that it names, each at the addresses that it counts on; none where it is any port.
    public var hostPorts: [HostPort] {
        switch publish {
        case .any: []
        case .ports(let ranges):
            ranges.flatMap { range in on.isEmpty ? [HostPort(nil, range)] : on.map { HostPort($0, range) } }
        case .selected: selected
        }
    }

    /// Nil where it names the host's ports itself.
    public var selector: Selector? {
        switch publish {
        case .any, .ports: nil
        case .selected(let selector): selector
        }
    }
}

/// `172.20.0.2:80/tcp`: a container's own address and port.
public struct DirectPort: Hashable, Comparable, Sendable {
    public var address: IPAddress
    public var range: PortRange

    public init(address: IPAddress, range: PortRange) {
        self.address = address
        self.range = range
    }

    public static func < (left: Self, right: Self) -> Bool {
        (left.address, left.range) < (right.address, right.range)
    }
}

/// What a published port, or a container's address reached directly, gets when no service covers it.
public enum Unlisted: String, CaseIterable, Sendable {
    case drop
    case reject
    case accept
}

/// What a client that is not on a service's list gets.
public enum Refusal: String, CaseIterable, Sendable {
    case drop
    case reject
}

public struct Log: Hashable, Sendable {
    public enum Destination: Hashable, Sendable {
        case nflog(group: UInt16)
        case kernel
    }

    public enum Unit: String, CaseIterable, Sendable {
        case second
        case minute
        case hour
        case day
    }

    public var refused: Bool
    public var rate: UInt64
    public var unit: Unit
    public var destination: Destination
}

public struct Host: Sendable {
    public enum Otherwise: String, CaseIterable, Sendable {
        case drop
        case accept
    }

    public var services: [HostService]
    public var otherwise: Otherwise
    public var span: Span
}

public struct HostService: Sendable {
    public enum Opening: Hashable, Sendable {
        case ports([PortRange])
        /// ICMP and ICMPv6 echo requests.
        case echoRequest
    }

    public var name: String
    public var opening: Opening
    public var allow: Sources
    public var except: Sources
    public var span: Span
    /// Where `allow` was written, and `except`.
    public var allowSpan: Span?
    public var exceptSpan: Span?
}

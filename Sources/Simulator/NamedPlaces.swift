public import Addressing
public import Nftables

/// The ports and the host's addresses that a ruleset tells from others: to ask of one of each kind is to ask of all.
public struct NamedPlaces: Sendable {
    /// Where some rule begins to treat ports in another way, in order.
    private let starts: [UInt16]
    private let addresses: [(address: IPAddress, ports: ClosedRange<UInt16>?)]
    /// Containers that are on the wire themselves, and guarded there.
    private let guarded: AddressSet
    /// Interfaces with a chain of their own, behind which those are.
    public let guardedDevices: [String]

    public init(_ ruleset: LinearRuleset) {
        var starts: Set<UInt16> = [0]
        var addresses: [(address: IPAddress, ports: ClosedRange<UInt16>?)] = []
        var guarded = AddressSet()
        for set in ruleset.sets {
            let isOfContainers = ["direct-", "wire-", "on-the-wire-"].contains { set.name.hasPrefix($0) }
            switch set.elements {
            case .ipv4(let members): if isOfContainers { guarded.v4 = guarded.v4.union(members) }
            case .ipv6(let members): if isOfContainers { guarded.v6 = guarded.v6.union(members) }
            case .keyed(let elements):
                for element in elements {
                    let ports = element.key.compactMap(\.ports).first
                    if let ports {
                        starts.insert(ports.lowerBound)
                        if ports.upperBound < .max { starts.insert(ports.upperBound + 1) }
                    }
                    if !isOfContainers, let address = element.key.compactMap(\.address).first {
                        addresses.append((address, ports))
                    }
                }
            }
        }
        self.starts = starts.sorted()
        self.addresses = addresses
        self.guarded = guarded
        guardedDevices = Set(ruleset.chains.compactMap { $0.base?.hook.device }).sorted()
    }

    /// The same ports, cut so that no rule tells those of a piece apart.
    public func pieces(of ports: ClosedRange<UInt16>) -> [ClosedRange<UInt16>] {
        var low = 0
        var high = starts.count
        while low < high {
            let middle = (low + high) / 2
            if starts[middle] <= ports.lowerBound { low = middle + 1 } else { high = middle }
        }
        var pieces: [ClosedRange<UInt16>] = []
        var start = ports.lowerBound
        while low < starts.count, starts[low] <= ports.upperBound {
            pieces.append(start...starts[low] - 1)
            start = starts[low]
            low += 1
        }
        return pieces + [start...ports.upperBound]
    }

    /// Addresses of the host at which these ports may be treated in a way of their own.
    public func addresses(naming ports: ClosedRange<UInt16>) -> [IPAddress] {
        Set(addresses.filter { $0.ports?.overlaps(ports) ?? true }.map(\.address)).sorted()
    }

    public func isOnTheWire(_ address: IPAddress) -> Bool { guarded.contains(address) }
}

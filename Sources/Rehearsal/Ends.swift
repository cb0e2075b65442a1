internal import Addressing
internal import NftablesKernel

/// Every end of every wire, by place in the setting: name, number and hardware address are ours to choose.
struct Ends: Sendable {
    typealias End = LinkConnection.End

    /// The host's.
    let interfaces: [End]
    let bridges: [End]
    let ports: [End]
    /// The other ends.
    let outside: [End]
    let containers: [End]
    /// Which bridge each container is behind.
    let bridgeOfContainer: [Int]
    /// Of the host, those of the stage's own among them.
    let ownAddresses: Set<IPAddress>
    let containersByAddress: [IPAddress: Int]

    /// Whom the host sends everything to that is not its containers'.
    static func gateway(_ family: AddressFamily) -> IPAddress {
        switch family {
        case .ipv4: .v4(gateway4)
        case .ipv6: .v6(IPv6Address(0xfe80 << 112 | 0xfe))
        }
    }
    /// Of the link-local range, from which nobody routes.
    static let gateway4 = IPv4Address(0xa9fe_fffd)
    /// An address of the host for which it can always be asked.
    static let sentinel = IPv4Address(0xa9fe_fffe)

    private static let firstInterface: UInt32 = 1_000
    private static let firstBridge: UInt32 = 10_000
    private static let firstPort: UInt32 = 100_000

    private static func ends(_ names: [String], _ first: UInt32, _ kind: UInt8) -> [End] {
        names.enumerated().map { index, name in
            let bytes = [index >> 16, index >> 8, index].map { UInt8(truncatingIfNeeded: $0) }
            return End(name: name, number: first + UInt32(index), hardwareAddress: [0x02, 0xdf, kind] + bytes)
        }
    }

    init(_ setting: StageSetting) throws(StageError) {
        guard !setting.interfaces.isEmpty else { throw .setting("a stage needs an interface to the outside") }
        var places: [Int] = []
        for container in setting.containers {
            guard let place = setting.bridges.firstIndex(where: { $0.name == container.bridge }) else {
                throw .setting("a container is behind \(container.bridge), which is no bridge of the stage")
            }
            places.append(place)
        }
        bridgeOfContainer = places
        interfaces = Self.ends(setting.interfaces.map(\.name), Self.firstInterface, 1)
        bridges = Self.ends(setting.bridges.map(\.name), Self.firstBridge, 2)
        ports = Self.ends(setting.containers.indices.map { "dnft-port\($0)" }, Self.firstPort, 3)
        outside = Self.ends(setting.interfaces.indices.map { "outside\($0)" }, Self.firstInterface, 4)
        containers = Self.ends(setting.containers.indices.map { "inside\($0)" }, Self.firstPort, 5)
        let own = setting.interfaces.flatMap(\.addresses) + setting.bridges.flatMap { $0.subnets.map(\.gateway) }
        ownAddresses = Set(own + [.v4(Self.sentinel), .v4(Self.gateway4)])
        var byAddress: [IPAddress: Int] = [:]
        for (index, container) in setting.containers.enumerated() {
            for address in container.addresses {
                if let other = byAddress[address], places[other] == places[index] {
                    throw .setting("two containers behind \(container.bridge) have the address \(address)")
                }
                byAddress[address] = index
            }
        }
        containersByAddress = byAddress
    }

    /// Whose end a frame has arrived at.
    func place(of number: UInt32) -> Place? {
        if number >= Self.firstPort {
            let index = Int(number - Self.firstPort)
            return containers.indices.contains(index) ? .container(index) : nil
        }
        guard number >= Self.firstInterface else { return nil }
        let index = Int(number - Self.firstInterface)
        return outside.indices.contains(index) ? .outside(index) : nil
    }

    enum Place: Hashable {
        case outside(Int)
        case container(Int)
        /// The host's kernel, behind its hooks.
        case host
    }
}

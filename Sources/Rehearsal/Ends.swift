internal import Addressing
internal import Files
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
    /// Where each container is.
    let attachments: [Attachment]
    /// Of the host, those of the stage's own among them, and of the containers.
    let takenAddresses: Set<IPAddress>
    private let containersByAddress: [Neighbourhood: Int]

    /// That the kernel knows; some are started without IPv6.
    let families: [AddressFamily]

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
        var attachments: [Attachment] = []
        for container in setting.containers {
            if let bridge = setting.bridges.firstIndex(where: { $0.name == container.link }) {
                attachments.append(.bridge(bridge))
            } else if let interface = setting.interfaces.firstIndex(where: { $0.name == container.link }) {
                attachments.append(.wire(interface))
            } else {
                throw .setting("a container is behind \(container.link), which is no link of the stage")
            }
        }
        self.attachments = attachments
        families = (try? File.read("/proc/sys/net/ipv6/conf/all/forwarding")) == nil ? [.ipv4] : AddressFamily.allCases
        interfaces = Self.ends(setting.interfaces.map(\.name), Self.firstInterface, 1)
        bridges = Self.ends(setting.bridges.map(\.name), Self.firstBridge, 2)
        ports = Self.ends(setting.containers.indices.map { "dnft-port\($0)" }, Self.firstPort, 3)
        outside = Self.ends(setting.interfaces.indices.map { "outside\($0)" }, Self.firstInterface, 4)
        containers = Self.ends(setting.containers.indices.map { "inside\($0)" }, Self.firstPort, 5)
        let own = setting.interfaces.flatMap(\.addresses) + setting.bridges.flatMap { $0.subnets.map(\.gateway) }
        let inside = setting.containers.flatMap(\.addresses)
        takenAddresses = Set(own + inside + [.v4(Self.sentinel), .v4(Self.gateway4)])
        var byAddress: [Neighbourhood: Int] = [:]
        for (index, container) in setting.containers.enumerated() {
            for address in container.addresses {
                let place = Neighbourhood(attachment: attachments[index], address: address)
                if byAddress.updateValue(index, forKey: place) != nil {
                    throw .setting("two containers behind \(container.link) have the address \(address)")
                }
            }
        }
        containersByAddress = byAddress
    }

    enum Attachment: Hashable {
        case bridge(Int)
        /// Of the host's interface of this place.
        case wire(Int)
    }

    private struct Neighbourhood: Hashable {
        var attachment: Attachment
        var address: IPAddress
    }

    /// Who has the address there.
    func container(at attachment: Attachment, _ address: IPAddress) -> End? {
        containersByAddress[Neighbourhood(attachment: attachment, address: address)].map { containers[$0] }
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

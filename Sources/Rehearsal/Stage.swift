public import Addressing
internal import NftablesKernel

/// A host in miniature, to which real packets are sent.
///
/// ```
/// outside ── interfaces ┐                  ┌ bridge ── container
///         (raw frames)  ├──── host ────────┤          (raw frames)
///                       ┘  a real kernel   └ bridge ── container
/// ```
/// The host is a network namespace; all else is one other, whose kernel has no addresses and says nothing: what is outside and in the
/// containers is this program, which writes and reads whole frames. Neither namespace has a name, and both end with the stage, or with the
/// process however it ends.
///
/// To be used by one thread at a time.
public final class Stage {
    let setting: StageSetting
    let host: PrivateNamespace
    let packets: PacketSocket
    let listeners: Listeners
    let ends: Ends
    private var links: LinkConnection
    private var tracking: ConnectionTracking
    /// Where what the host answers goes.
    private var routed: Int?
    private var lastMark: UInt32 = 0x4000_0000
    private var lastClientPort = clientPorts.upperBound

    /// Builds it. As root, or in a user namespace (`UserNamespace.enter`).
    public init(_ setting: StageSetting) throws(StageError) {
        self.setting = setting
        ends = try Ends(setting)
        host = try PrivateNamespace()
        let world = try PrivateNamespace()
        try world.set(Self.mute)
        try host.set(Self.kernelSettings + setting.kernelSettings.sorted { $0.key < $1.key }.map { ($0.key, $0.value) })
        let path = host.path
        links = try StageError.linking { () throws(NetlinkError) in try LinkConnection(namespace: path) }
        tracking = try StageError.linking { () throws(NetlinkError) in try ConnectionTracking(namespace: path) }
        let worldPath = world.path
        var outside = try StageError.linking { () throws(NetlinkError) in try LinkConnection(namespace: worldPath) }
        try Self.wire(setting, ends, &links, &outside, world.descriptor)
        packets = try world.run { () throws(StageError) in try PacketSocket() }
        listeners = try host.run { () throws(StageError) in try Listeners(setting.listeners) }
        for (end, attachment) in zip(ends.containers, ends.attachments) {
            guard case .bridge(let bridge) = attachment else { continue }
            try packets.send(
                Frame.presence(of: end.hardwareAddress, to: ends.bridges[bridge].hardwareAddress), on: end.number)
        }
        try greet()
    }

    /// The host's network namespace, for whoever opens namespaces by name. It lasts as long as the stage.
    public var hostNamespacePath: String { host.path }

    /// Does something on a thread that is in the host's network namespace; programs that it starts are there too.
    public func onHost<Value>(_ body: @escaping () -> Value) throws(StageError) -> Value {
        try host.run { () throws(StageError) in body() }
    }

    /// Whether a packet from outside can have this source, and an answer find its way back. A kernel takes no packet from addresses
    /// that nobody can have, nor from its own; and what is in a network of containers is answered there.
    public func canSend(from source: IPAddress) -> Bool {
        !source.isMartian && !ends.takenAddresses.contains(source) && !setting.bridges.contains { $0.holds(source) }
    }

    /// Sends all of them, and says what became of each, in their order. `progress` is told how many are decided.
    ///
    /// Nothing waits for a shot of its own. After a volley, the host is asked something else that it always answers, behind which no packet of
    /// the volley can still be on its way; what is silent then is sent once more, and then believed.
    public func fates(
        of shots: [Shot], progress: (Int) -> Void = { _ in }
    ) throws(StageError) -> [Fate] {
        var fates = [Fate](repeating: .silent, count: shots.count)
        var done = 0
        for (way, indices) in try ways(of: shots) {
            var rest = indices[...]
            while !rest.isEmpty {
                let part = rest.prefix(Self.volleySize)
                rest = rest.dropFirst(part.count)
                try route(by: way)
                let batch = part.map { shots[$0] }
                let hostSockets =
                    batch.contains { $0.origin == .host }
                    ? try host.run { () throws(StageError) in try HostSockets() } : nil
                var volley = Volley(self, hostSockets, batch, firstMark: nextMarks(for: part.count))
                let outcome = try volley.fire()
                for (index, fate) in zip(part, outcome) { fates[index] = fate }
                done += part.count
                progress(done)
            }
        }
        return fates
    }

    /// As many as a small machine's table of connections holds, both attempts.
    static let volleySize = 2048

    /// Which shots come in by which interface; a container's and the host's go out by the first, the latter by themselves.
    func ways(of shots: [Shot]) throws(StageError) -> [(way: Int, shots: [Int])] {
        var groups = [[Int]](repeating: [], count: setting.interfaces.count + 1)
        for (index, shot) in shots.enumerated() {
            guard shot.source.family == shot.destination.family else {
                throw .setting("a packet from \(shot.source) to \(shot.destination)")
            }
            switch shot.origin {
            case .interface(let name):
                guard let way = setting.interfaces.firstIndex(where: { $0.name == name }) else {
                    throw .setting("there is no interface \(name) on the stage")
                }
                groups[way].append(index)
            case .container(let container):
                guard setting.containers.indices.contains(container) else {
                    throw .setting("there is no container \(container) on the stage")
                }
                groups[0].append(index)
            case .host: groups[setting.interfaces.count].append(index)
            }
        }
        return groups.enumerated().filter { !$0.element.isEmpty }
            .map { ($0.offset == setting.interfaces.count ? 0 : $0.offset, $0.element) }
    }

    /// What came in by an interface is answered by it, whoever asked.
    func route(by way: Int) throws(StageError) {
        guard routed != way else { return }
        for family in ends.families {
            do throws(NetlinkError) {
                try links.setDefaultRoute(via: Ends.gateway(family), on: ends.interfaces[way].number)
            } catch {
                throw .link(error)
            }
        }
        routed = way
    }

    func nextMarks(for count: Int) -> UInt32 {
        defer { lastMark &+= Volley.marks(of: count) }
        return lastMark &+ 1
    }

    func forgetConnections() throws(StageError) {
        do throws(NetlinkError) { try tracking.forgetAll() } catch { throw .link(error) }
    }

    /// One that no shot of the last tens of thousands had, of those that clients have: to rules, others may be those of servers.
    func nextClientPort(besides port: UInt16) -> UInt16 {
        lastClientPort = lastClientPort < Self.clientPorts.upperBound ? lastClientPort + 1 : Self.clientPorts.lowerBound
        return lastClientPort == port ? nextClientPort(besides: port) : lastClientPort
    }

    /// `net.ipv4.ip_local_port_range` as kernels have it.
    private static let clientPorts: ClosedRange<UInt16> = 32768...60999
}

extension IPAddress {
    /// Sources that a kernel drops without a word, or that it cannot answer: `ip_route_input_slow`, `ip6_rcv_core`.
    fileprivate var isMartian: Bool {
        switch self {
        case .v4(let address):
            let first = address.bits >> 24
            return first == 0 || first == 127 || 224..<240 ~= first || address.bits == .max
        case .v6(let address):
            let isScoped = address.bits >> 118 == 0xfe80 >> 6
            return address.bits <= 1 || address.bits >> 120 == 0xff || isScoped || address.bits >> 32 == 0xffff
        }
    }
}

extension StageSetting.Bridge {
    fileprivate func holds(_ address: IPAddress) -> Bool {
        subnets.contains { subnet in
            switch (subnet.gateway, address) {
            case (.v4(let gateway), .v4(let address)):
                (gateway.bits ^ address.bits) >> UInt32(32 - subnet.prefixLength) == 0
            case (.v6(let gateway), .v6(let address)):
                (gateway.bits ^ address.bits) >> UInt128(128 - subnet.prefixLength) == 0
            case (.v4, .v6), (.v6, .v4): false
            }
        }
    }
}

public import Addressing
public import HostRules
internal import Simulator

/// Every connection by which somebody may be administering this host: those to a listening sshd, whoever is on them, and the one that
/// this process was started over.
///
/// The environment alone would not do: sudo takes SSH_CONNECTION away, and a shell in tmux has that of the day when tmux was started.
public struct WaysIn: Hashable, Sendable {
    public private(set) var ways: [WayIn] = []
    /// What could not be seen, and what was assumed instead.
    public private(set) var doubts: [String] = []
    /// A client that SSH_CONNECTION names, where its connection is none of these and there is no other: it ends in a container, say.
    public private(set) var lost: IPAddress?

    /// `session` is SSH_CONNECTION of the environment.
    public init(of sockets: HostSockets, session: String?, processes: ProcessTable = ProcessTable()) {
        guard !sockets.connections.isEmpty || session != nil else { return }
        let lineage = processes.lineage
        let servers = SSHServers(processes, lineage: lineage)
        let listeners = Listening(sockets.listeners, servers, processes)
        let sessions = Set(
            ([session] + lineage.map { processes.environment(of: $0, SessionAddresses.variable) })
                .compactMap { $0.flatMap(SessionAddresses.init) })
        let upward = Set(sockets.connections.filter { servers.isAbove($0.inode) })
        for connection in sockets.connections {
            guard let client = Endpoint(connection.remote), let host = Endpoint(connection.local) else { continue }
            let isNamed = sessions.contains { $0.client == client && $0.host == host }
            let isAbove = upward.contains(connection)
            let server = servers.holder(of: connection.inode)
            // sshd also holds what it forwards: connections of its own making to others, and those of others to what `ssh -R` has opened.
            let isServed = listeners.takes(connection, servedBy: server)
            guard isNamed || isServed || isAbove && upward.count == 1 else { continue }
            let owner: WayIn.Owner = isNamed || isAbove ? .us : .somebody
            if let way = WayIn(connection, owner: owner, server: server) { ways.append(way) }
        }
        ways.sort { $0.precedes($1) }
        note(lineage, servers, listeners, sessions)
    }

    private mutating func note(
        _ lineage: [ProcessTable.ID], _ servers: SSHServers, _ listeners: Listening, _ sessions: Set<SessionAddresses>
    ) {
        if lineage.isEmpty {
            doubts.append("/proc is not there: whose connections are sshd's is not known; port 22 is taken for sshd's")
        } else if servers.areHidden {
            doubts.append(
                "the sockets of sshd may not be looked at: port 22 is taken for sshd's, and other ports of it are not known"
            )
        } else if listeners.hasUnknownOwner {
            doubts.append("nobody is seen to listen on port 22: it is taken for sshd's")
        }
        if ways.isEmpty { lost = sessions.map(\.client.address).min() }
    }
}

extension WayIn {
    /// Ours first.
    fileprivate func precedes(_ other: Self) -> Bool {
        if owner != other.owner { return owner == .us }
        return client == other.client ? host.precedes(other.host) : client.precedes(other.client)
    }
}

extension Endpoint {
    fileprivate func precedes(_ other: Self) -> Bool { (address, port) < (other.address, other.port) }
}

/// The processes that serve SSH, and the sockets that they hold.
struct SSHServers {
    private var holders: [UInt32: [WayIn.Server]] = [:]
    /// Those that serve one session: they were started by another one.
    private var inSession: Set<ProcessTable.ID> = []
    /// The sockets of the one that this process was started by.
    private var above: Set<UInt32> = []
    /// Some may not be looked into.
    private(set) var areHidden = false

    /// OpenSSH's are called so since 9.8: sshd, sshd-session, sshd-auth.
    private static func isOne(_ name: String) -> Bool {
        name == "sshd" || name.hasPrefix("sshd-") || name == "dropbear"
    }

    init(_ processes: ProcessTable, lineage: [ProcessTable.ID]) {
        var parents: [ProcessTable.ID: ProcessTable.ID] = [:]
        var nearest: ProcessTable.ID?
        var servers: [WayIn.Server] = []
        for process in processes.all {
            guard let name = processes.name(of: process), Self.isOne(name) else { continue }
            servers.append(WayIn.Server(process: process, name: name))
            parents[process] = processes.parent(of: process)
        }
        nearest = lineage.first { parents[$0] != nil }
        for server in servers {
            if let parent = parents[server.process], parents[parent] != nil { inSession.insert(server.process) }
            guard let sockets = processes.sockets(of: server.process) else {
                areHidden = true
                continue
            }
            for inode in sockets { holders[inode, default: []].append(server) }
            if server.process == nearest { above = sockets }
        }
    }

    func isAbove(_ inode: UInt32) -> Bool { above.contains(inode) }

    /// Of a session it is that which has the user's rights, where there are two.
    func holder(of inode: UInt32) -> WayIn.Server? { holders[inode]?.last }

    /// Held by one that waits for new clients.
    func isDaemons(_ inode: UInt32) -> Bool { holders[inode]?.contains { !inSession.contains($0.process) } ?? false }
}

/// Who takes connections where.
private struct Listening {
    private struct Place {
        var listener: HostListener
        var role: Role
    }

    private enum Role: Hashable {
        case daemon
        /// `ssh -R`.
        case forwarding
        /// systemd may listen for sshd: who serves the connection tells.
        case other
        /// Port 22, and nobody is seen to listen there.
        case assumed
    }

    private var places: [UInt16: [Place]] = [:]
    private static let standardPort: UInt16 = 22

    var hasUnknownOwner: Bool { places[Self.standardPort]?.contains { $0.role == .assumed } ?? false }

    init(_ listeners: [HostListener], _ servers: SSHServers, _ processes: ProcessTable) {
        for listener in listeners where listener.transport == .tcp {
            var role = Role.other
            if servers.isDaemons(listener.inode) {
                role = .daemon
            } else if servers.holder(of: listener.inode) != nil {
                role = .forwarding
            } else if listener.port == Self.standardPort, !processes.showHolder(of: listener.inode) {
                role = .assumed
            }
            places[listener.port, default: []].append(Place(listener: listener, role: role))
        }
    }

    func takes(_ connection: HostConnection, servedBy server: WayIn.Server?) -> Bool {
        (places[connection.local.port] ?? []).contains { place in
            guard place.listener.takes(connection.local.address) else { return false }
            return switch place.role {
            case .daemon, .assumed: true
            case .forwarding: false
            case .other: server != nil
            }
        }
    }
}

extension HostListener {
    /// Whether it is there that who dials the address comes.
    fileprivate func takes(_ local: [UInt8]) -> Bool {
        if address == local { return true }
        guard address.allSatisfy({ $0 == 0 }) else { return false }
        return address.count == local.count || address.count == 16 && takesBothFamilies
    }
}

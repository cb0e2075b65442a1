import Addressing

@testable import TestSupport

/// What is dialled, apart from what the engine makes of it.
enum Path: String, CaseIterable, Sendable {
    case published = "published port"
    case otherAddress = "published port by the address of the other card"
    case gateway = "published port by the bridge's address"
    case linkLocal = "published port by a link-local address"
    case pinned = "port of one address"
    case pinnedElsewhere = "port of one address, by another"
    case pinnedToLoopback = "port of the loopback, by another address"
    case loopback = "127.0.0.0/8 from outside"
    case directPublished = "container's address, published port"
    case directUnpublished = "container's address, unpublished port"
    case directWithoutPorts = "address of a container without ports"
    case directInternal = "container's address on an internal network"
    case directRouted = "container's address on a routed network"
    case directUnprotected = "container's address on a nat-unprotected network"
    case onTheWire = "address of a macvlan container"
    case hostNetwork = "port of a container with the host's network"
    case hostItself = "port of the host that nobody names"
    case inside = "not from outside"

    /// By a bridge, to a container's own address: closed whether or not Docker was asked.
    var isDirect: Bool {
        switch self {
        case .directPublished, .directUnpublished, .directWithoutPorts, .directInternal, .directRouted,
            .directUnprotected:
            true
        case .published, .otherAddress, .gateway, .linkLocal, .pinned, .pinnedElsewhere, .pinnedToLoopback, .loopback,
            .onTheWire, .hostNetwork, .hostItself, .inside:
            false
        }
    }
}

/// One question, and how the policy answers it.
struct Cell: Hashable, Sendable, CustomStringConvertible {
    /// What the policy says of a caller at a port.
    enum Standing: Hashable, Sendable {
        /// A service covers the port, and its list has the caller; or the packet does not come from outside.
        case allowed
        /// A service covers the port, and its list has not.
        case refused
        /// No service covers it, and it is Docker's.
        case unlisted
        /// It is none of Docker's, so that it is open for as long as the policy leaves the host alone.
        case unjudged
    }

    var path: Path
    /// Who is dialled.
    var target: String
    var caller: String
    var standing: Standing
    /// Whether the service names a container, not a port of the host: nothing covers it where Docker is not asked.
    var isSelected = false
    var probe: Probe

    var family: AddressFamily { probe.destination.contains(":") ? .ipv6 : .ipv4 }
    var description: String { "\(path.rawValue), \(target), \(caller): \(probe)" }

    /// What becomes of who knocks.
    enum Right: Sendable {
        /// He gets what he got without us.
        case entry
        /// He hears nothing.
        case nothing
        /// Either: it is known only to Docker, which is not asked.
        case either
    }

    func right(in form: Form) -> Right {
        // Only Docker says that it is one, and on which interface, so that nothing guards it.
        if path == .onTheWire, !form.knowsDocker { return .entry }
        return rightOfStanding(in: form)
    }

    private func rightOfStanding(in form: Form) -> Right {
        switch isSelected && !form.knowsDocker ? .unlisted : standing {
        case .allowed: .entry
        case .refused: .nothing
        case .unlisted: form == .dockerNotAsked && !path.isDirect ? .either : .nothing
        case .unjudged: form.closesHost ? .nothing : .entry
        }
    }
}

/// A policy, and whether Docker is asked for it.
enum Form: String, CaseIterable, Sendable {
    case dockerAsked = "Docker asked"
    case dockerAskedHostClosed = "Docker asked, host closed"
    case dockerNotAsked = "Docker not asked"
    case dockerNotAskedHostClosed = "Docker not asked, host closed"

    var knowsDocker: Bool {
        switch self {
        case .dockerAsked, .dockerAskedHostClosed: true
        case .dockerNotAsked, .dockerNotAskedHostClosed: false
        }
    }

    /// `host: { otherwise: drop }`
    var closesHost: Bool {
        switch self {
        case .dockerAskedHostClosed, .dockerNotAskedHostClosed: true
        case .dockerAsked, .dockerNotAsked: false
        }
    }
}

/// A port at an address, for everyone to dial.
struct Door: Hashable, Sendable {
    var path: Path
    var target: String
    var transport: TransportProtocol
    var address: String
    var port: UInt16
    /// The list that covers it, or nil: nobody is on a list that there is not.
    var service: Estate.Service?

    var family: AddressFamily { address.contains(":") ? .ipv6 : .ipv4 }

    private func standing(of caller: Caller) -> Cell.Standing {
        if path == .hostItself { return .unjudged }
        // Nobody from outside has any business there.
        if path == .loopback { return .refused }
        guard let service else { return .unlisted }
        return service.admits == .list && caller.isListed ? .allowed : .refused
    }

    /// From every caller that can dial it.
    var cells: [Cell] {
        Caller.all.compactMap { caller in
            guard let source = caller.address(family) else { return nil }
            // A link-local address is one of the caller's own link, and only one client sends to another's loopback.
            if address.hasPrefix("fe80"), (address == Estate.linkLocal) != (caller.place == .client) { return nil }
            if path == .loopback, caller.place != .client { return nil }
            return Cell(
                path: path, target: target, caller: caller.name, standing: standing(of: caller),
                isSelected: service.map { $0.port == nil } ?? false,
                probe: Probe(
                    transport == .udp ? .udp : .tcp, from: source, to: address, port: port, at: caller.place))
        }
    }
}

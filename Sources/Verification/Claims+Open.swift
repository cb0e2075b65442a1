internal import Addressing

/// What becomes of connections that are open when the rules come.
extension Claims {
    /// Less than a small machine's table of connections holds.
    private static let openLimit = 1024

    /// Of each group two that pass and two that do not, over TCP and over UDP: the same is to become of what they send later.
    mutating func addOpen() {
        var groups: [OpenGroup: [Claim]] = [:]
        for claim in claims {
            guard let transport = claim.lastingTransport, !isByOther(claim), !isDockers(claim) else { continue }
            let group = OpenGroup(group: claim.group, transport: transport, isLetIn: claim.ruling.outcome == .passes)
            groups[group, default: []].append(claim)
        }
        let chosen = groups.sorted { $0.key < $1.key }.flatMap { _, members in
            let near = members.filter(isNear)
            return (near.isEmpty ? members : near).evenly(2)
        }
        for setup in Claim.Setup.allCases {
            for claim in chosen.filter({ $0.setup == setup }).evenly(Self.openLimit) {
                var later = claim
                later.connection = .open
                later.path = .open
                add(later)
            }
        }
    }

    /// Whom Docker itself keeps out has never had a connection.
    private func isDockers(_ claim: Claim) -> Bool {
        claim.path == .direct && scene.published?.addresses.contains(claim.destination) == true
    }

    private func isByOther(_ claim: Claim) -> Bool {
        switch claim.from {
        case .beyond(let name): scene.others.contains(name)
        case .container, .host: false
        }
    }

    /// By the first interface, where that tells as much: each further one takes its time.
    private func isNear(_ claim: Claim) -> Bool {
        switch claim.from {
        case .beyond(let name): name == scene.external.first || name == scene.trusted.first
        case .container, .host: true
        }
    }
}

private struct OpenGroup: Hashable, Comparable {
    var group: Claims.Group
    var transport: TransportProtocol
    var isLetIn: Bool

    static func < (left: Self, right: Self) -> Bool {
        if left.group != right.group { return left.group < right.group }
        if left.transport != right.transport { return left.transport < right.transport }
        return !left.isLetIn && right.isLetIn
    }
}

extension Claim {
    /// Of what can be open on the stage: the host's kernel ends what it has not begun itself, and what conntrack does not follow is never
    /// open.
    fileprivate var lastingTransport: TransportProtocol? {
        // Its answers are told from others by the client's port.
        if sourcePort != nil { return nil }
        return switch (kind, path) {
        case (.ports(let transport, _), .published), (.ports(let transport, _), .input),
            (.ports(let transport, _), .direct), (.ports(let transport, _), .trusted),
            (.ports(let transport, _), .fromContainer):
            transport == .sctp ? nil : transport
        case (.ports, .untracked), (.ports, .fromHost), (.ports, .stray), (.ports, .open), (.ports, .dockersPort),
            (.ports, .dockersAddress), (.echoRequest, _),
            (.segment, _):
            nil
        }
    }
}

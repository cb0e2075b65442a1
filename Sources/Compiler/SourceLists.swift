internal import Addressing
internal import Nftables
internal import Policy

/// Which sets hold the sources that services allow, and how rules name them: the seam at which the layout is chosen by size.
///
/// A set belongs to a list of sources, never to a service: a group's addresses stand in one set a family, whoever names the group,
/// and equal lists written in place share theirs. So a change of one address is one element on the wire.
struct SourceLists {
    /// Past so many sets a table gets slow to load, for each is found by a walk over all of them (nf_tables_api.c,
    /// nft_set_lookup). Lists written in place are then matched prefix by prefix.
    static let maximumSets = 800

    private(set) var sets: [NamedSet] = []
    private var groups: [String: AddressSet] = [:]
    private var namesOfLists: [AddressSet: String] = [:]
    private var groupsInUse: Set<String> = []

    /// A part of a list: what one match of a rule can say.
    enum Part: Hashable {
        /// A pair of sets, and which of the two there are.
        case sets(name: String, v4: Bool, v6: Bool)
        case prefix4(UInt32, length: Int)
        case prefix6(UInt128, length: Int)
    }

    init(_ policy: ResolvedPolicy) {
        for group in policy.groups { groups[group.name] = group.addresses }
        let owned: [(owner: String, allow: Sources, except: Sources)] =
            policy.services.map { (NftName.service($0.name), $0.allow, $0.except) }
            + (policy.host?.services ?? []).map { (NftName.hostService($0.name), $0.allow, $0.except) }
        for (_, allow, except) in owned {
            for case .listed(let names, _) in [allow, except] { groupsInUse.formUnion(names) }
        }
        for group in policy.groups where groupsInUse.contains(group.name) {
            addSets(NftName.group(group.name), group.addresses)
        }
        nameLists(owned)
        sets.sort { $0.name < $1.name }
    }

    /// The first service in name order that writes a list gives it its name. Exceptions come first: only a set can be negated.
    private mutating func nameLists(_ owned: [(owner: String, allow: Sources, except: Sources)]) {
        for case (let owner, _, .listed(_, let addresses)) in owned where !addresses.isEmpty {
            nameList(addresses, "except-\(owner)")
        }
        for case (let owner, .listed(_, let addresses), _) in owned where !addresses.isEmpty {
            guard sets.count < Self.maximumSets else { return }
            nameList(addresses, NftName.sources(owner))
        }
    }

    private mutating func nameList(_ addresses: AddressSet, _ name: String) {
        guard namesOfLists[addresses] == nil else { return }
        namesOfLists[addresses] = name
        addSets(name, addresses)
    }

    private mutating func addSets(_ name: String, _ addresses: AddressSet) {
        if !addresses.v4.isEmpty {
            sets.append(NamedSet(name: "\(name)-v4", key: [.ipv4Address], elements: .ipv4(addresses.v4)))
        }
        if !addresses.v6.isEmpty {
            sets.append(NamedSet(name: "\(name)-v6", key: [.ipv6Address], elements: .ipv6(addresses.v6)))
        }
    }

    /// The matches that are together this list, in an order of their own. Not for `anyone`.
    func parts(groups names: [String], addresses: AddressSet) -> [Part] {
        var parts: [Part] = []
        for name in names {
            guard let group = groups[name], !group.isEmpty else { continue }
            parts.append(.sets(name: NftName.group(name), v4: !group.v4.isEmpty, v6: !group.v6.isEmpty))
        }
        if let name = namesOfLists[addresses] {
            parts.append(.sets(name: name, v4: !addresses.v4.isEmpty, v6: !addresses.v6.isEmpty))
        } else {
            for range in addresses.v4.ranges {
                for prefix in range.prefixes { parts.append(.prefix4(prefix.address, length: prefix.length)) }
            }
            for range in addresses.v6.ranges {
                for prefix in range.prefixes { parts.append(.prefix6(prefix.address, length: prefix.length)) }
            }
        }
        return parts
    }
}

extension SourceLists.Part {
    /// The matches of this part, one a family that it has addresses of.
    var matches: [Statement] {
        switch self {
        case .sets(let name, let v4, let v6):
            (v4 ? [.match(.conntrack(.originalIPv4Source), .inSet("\(name)-v4"))] : [])
                + (v6 ? [.match(.conntrack(.originalIPv6Source), .inSet("\(name)-v6"))] : [])
        case .prefix4(let address, let length):
            [.match(.conntrack(.originalIPv4Source), .prefix4(address, length: length))]
        case .prefix6(let address, let length):
            [.match(.conntrack(.originalIPv6Source), .prefix6(address, length: length))]
        }
    }
}

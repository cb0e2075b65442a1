internal import CNftnl
internal import Glibc
internal import HostRules
internal import Nftables

/// What of a rule's expressions matters to whoever makes the rule anew.
struct RuleScan {
    /// What modules of iptables are told of a rule's protocol beside the rule: the kernel keeps it for itself, and checks it when the rule is made.
    struct Compatibility: Hashable {
        var l4proto: UInt8
        /// `! -p tcp`
        var isInverted: Bool
    }

    private let family: HostTable.Family
    /// That the rule looks in.
    private(set) var sets: [String] = []
    private var usesIptables = false
    private var compared: Compatibility?
    /// The register that holds the packet's protocol.
    private var register: Int?

    init(_ family: HostTable.Family) { self.family = family }

    /// As iptables derives it: from the comparison that stands before its modules.
    var compatibility: Compatibility? { usesIptables ? compared : nil }

    /// Returns the expression's name.
    mutating func read(_ expression: RawSpan) throws(MalformedMessage) -> String {
        let (name, fields) = try ExpressionFields.named(expression)
        switch name {
        case "meta":
            let isProtocol = try fields.number(NFTA_META_KEY.rawValue) == NFT_META_L4PROTO.rawValue
            try note(fields.register(NFTA_META_DREG.rawValue), isProtocol)
        case "payload": try note(fields.register(NFTA_PAYLOAD_DREG.rawValue), isProtocolField(fields))
        case "cmp":
            guard let register, try fields.register(NFTA_CMP_SREG.rawValue) == register,
                let value = try fields.data(NFTA_CMP_DATA.rawValue), value.count == 1,
                let operation = try fields.number(NFTA_CMP_OP.rawValue)
            else { break }
            if operation == NFT_CMP_EQ.rawValue { compared = Compatibility(l4proto: value[0], isInverted: false) }
            if operation == NFT_CMP_NEQ.rawValue { compared = Compatibility(l4proto: value[0], isInverted: true) }
        case "lookup": note(set: fields.text(NFTA_LOOKUP_SET.rawValue))
        case "objref": note(set: fields.text(NFTA_OBJREF_SET_NAME.rawValue))
        case "dynset": note(set: fields.text(NFTA_DYNSET_SET_NAME.rawValue))
        case "match", "target": usesIptables = true
        case "": throw MalformedMessage("an expression without a name")
        default: break
        }
        return name
    }

    private mutating func note(_ written: Int?, _ isProtocol: Bool) {
        if isProtocol { register = written } else if written == register { register = nil }
    }

    private mutating func note(set: String?) {
        if let set { sets.append(set) }
    }

    /// `ip protocol`, `ip6 nexthdr`
    private func isProtocolField(_ fields: ExpressionFields) throws(MalformedMessage) -> Bool {
        let offset: UInt32 =
            switch family {
            case .ip6: 6
            case .ip, .inet, .arp, .netdev, .bridge: 9
            }
        let base = try fields.number(NFTA_PAYLOAD_BASE.rawValue)
        let place = try fields.number(NFTA_PAYLOAD_OFFSET.rawValue)
        let length = try fields.number(NFTA_PAYLOAD_LEN.rawValue)
        return (base, place, length) == (PayloadBase.network.rawValue, offset, 1)
    }
}

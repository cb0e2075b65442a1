public import Addressing
internal import CNftnl
internal import Glibc
internal import Nftables

extension ForeignRules {
    /// What Docker's rules come to for a container that publishes every port of the host: DNAT where they have it, and nobody from
    /// outside who goes to the container's own address.
    public static func publishing(
        everyPortTo container: [IPAddress], port: UInt16, behind bridges: [String]
    ) -> Self {
        var rules = Self()
        for address in container {
            let family = address.family.number
            rules.addTable("nat", family)
            rules.addChain("PREROUTING", "nat", family, type: "nat", hook: NF_INET_PRE_ROUTING, priority: -100)
            for transport in TransportProtocol.allCases {
                rules.addRule("PREROUTING", of: "nat", family) { rule in
                    for bridge in bridges { rule.isNotFrom(bridge) }
                    rule.is(transport)
                    rule.isToHost()
                    rule.translate(to: address, port)
                }
            }
            rules.addTable("filter", family)
            rules.addChain("FORWARD", "filter", family, type: "filter", hook: NF_INET_FORWARD, priority: 0)
            rules.addRule("FORWARD", of: "filter", family) { rule in
                for bridge in bridges { rule.isNotFrom(bridge) }
                rule.isNew()
                rule.isNotTranslated()
                rule.isTo(address)
                rule.drop()
            }
        }
        return rules
    }

    /// Has conntrack follow everything, as it does on a host that has rules of Docker's: without one that asks for it, it follows nothing.
    public static var followed: Self {
        var rules = Self()
        for family in AddressFamily.allCases.map(\.number) {
            rules.addTable("filter", family)
            rules.addChain("INPUT", "filter", family, type: "filter", hook: NF_INET_LOCAL_IN, priority: 0)
            rules.addRule("INPUT", of: "filter", family) { $0.isNew() }
        }
        return rules
    }

    /// Has conntrack follow nothing.
    public static var untracked: Self {
        var rules = Self()
        for family in AddressFamily.allCases.map(\.number) {
            rules.addTable("raw", family)
            for (chain, hook) in [("PREROUTING", NF_INET_PRE_ROUTING), ("OUTPUT", NF_INET_LOCAL_OUT)] {
                rules.addChain(chain, "raw", family, type: "filter", hook: hook, priority: -300)
                rules.addRule(chain, of: "raw", family) { $0.doNotTrack() }
            }
        }
        return rules
    }

    private mutating func addTable(_ name: String, _ family: Int) {
        append(NFT_MSG_NEWTABLE, family: family, NetlinkAttributes { $0.put(NFTA_TABLE_NAME.rawValue, name) })
    }

    private mutating func addChain(
        _ name: String, _ table: String, _ family: Int, type: String, hook: nf_inet_hooks, priority: Int32
    ) {
        append(
            NFT_MSG_NEWCHAIN, family: family,
            NetlinkAttributes { chain in
                chain.put(NFTA_CHAIN_TABLE.rawValue, table)
                chain.put(NFTA_CHAIN_NAME.rawValue, name)
                chain.nest(NFTA_CHAIN_HOOK.rawValue) { attributes in
                    attributes.put(NFTA_HOOK_HOOKNUM.rawValue, hook.rawValue)
                    attributes.put(NFTA_HOOK_PRIORITY.rawValue, UInt32(bitPattern: priority))
                }
                chain.put(NFTA_CHAIN_TYPE.rawValue, type)
            })
    }

    private mutating func addRule(
        _ chain: String, of table: String, _ family: Int, _ body: (inout RuleExpressions) -> Void
    ) {
        var expressions = RuleExpressions()
        body(&expressions)
        append(
            NFT_MSG_NEWRULE, family: family,
            NetlinkAttributes { rule in
                rule.put(NFTA_RULE_TABLE.rawValue, table)
                rule.put(NFTA_RULE_CHAIN.rawValue, chain)
                rule.nest(NFTA_RULE_EXPRESSIONS.rawValue) { $0 = expressions.attributes }
            })
    }
}

/// Expressions of a rule, as far as Docker's need them.
private struct RuleExpressions {
    private(set) var attributes = NetlinkAttributes()

    private mutating func add(_ name: String, _ body: (inout NetlinkAttributes) -> Void) {
        attributes.nest(NFTA_LIST_ELEM.rawValue) { element in
            element.put(NFTA_EXPR_NAME.rawValue, name)
            element.nest(NFTA_EXPR_DATA.rawValue, body)
        }
    }

    private mutating func compare(_ comparison: Comparison, _ value: [UInt8]) {
        add("cmp") { data in
            data.put(NFTA_CMP_SREG.rawValue, NFT_REG_1.rawValue)
            data.put(NFTA_CMP_OP.rawValue, comparison.rawValue)
            data.nest(NFTA_CMP_DATA.rawValue) { $0.put(NFTA_DATA_VALUE.rawValue, value) }
        }
    }

    private mutating func meta(_ key: nft_meta_keys) {
        add("meta") { data in
            data.put(NFTA_META_DREG.rawValue, NFT_REG_1.rawValue)
            data.put(NFTA_META_KEY.rawValue, key.rawValue)
        }
    }

    mutating func isNotFrom(_ bridge: String) {
        meta(NFT_META_IIFNAME)
        compare(.notEqual, bridge.ifname)
    }

    mutating func `is`(_ transport: TransportProtocol) {
        meta(NFT_META_L4PROTO)
        compare(.equal, [transport.rawValue])
    }

    /// `RTN_LOCAL` of `rtnetlink.h`.
    private static let localAddress: UInt32 = 2

    /// `fib daddr type local`
    mutating func isToHost() {
        add("fib") { data in
            data.put(NFTA_FIB_DREG.rawValue, NFT_REG_1.rawValue)
            data.put(NFTA_FIB_RESULT.rawValue, NFT_FIB_RESULT_ADDRTYPE.rawValue)
            data.put(NFTA_FIB_FLAGS.rawValue, NFTA_FIB_F_DADDR.rawValue)
        }
        compare(.equal, Self.localAddress.machineOrder)
    }

    mutating func isTo(_ address: IPAddress) {
        add("payload") { data in
            data.put(NFTA_PAYLOAD_DREG.rawValue, NFT_REG_1.rawValue)
            data.put(NFTA_PAYLOAD_BASE.rawValue, PayloadBase.network.rawValue)
            data.put(NFTA_PAYLOAD_OFFSET.rawValue, address.family == .ipv4 ? UInt32(16) : 24)
            data.put(NFTA_PAYLOAD_LEN.rawValue, UInt32(address.bytes.count))
        }
        compare(.equal, address.bytes)
    }

    /// `ct state new`
    mutating func isNew() {
        conntrack(NFT_CT_STATE, bits: ConntrackFlags.State.new.rawValue)
        compare(.notEqual, UInt32(0).machineOrder)
    }

    /// `ct status & dnat == 0`
    mutating func isNotTranslated() {
        conntrack(NFT_CT_STATUS, bits: ConntrackFlags.Status.dnat.rawValue)
        compare(.equal, UInt32(0).machineOrder)
    }

    private mutating func conntrack(_ key: nft_ct_keys, bits: UInt32) {
        add("ct") { data in
            data.put(NFTA_CT_DREG.rawValue, NFT_REG_1.rawValue)
            data.put(NFTA_CT_KEY.rawValue, key.rawValue)
        }
        add("bitwise") { data in
            data.put(NFTA_BITWISE_SREG.rawValue, NFT_REG_1.rawValue)
            data.put(NFTA_BITWISE_DREG.rawValue, NFT_REG_1.rawValue)
            data.put(NFTA_BITWISE_LEN.rawValue, UInt32(bits.machineOrder.count))
            data.nest(NFTA_BITWISE_MASK.rawValue) { $0.put(NFTA_DATA_VALUE.rawValue, bits.machineOrder) }
            data.nest(NFTA_BITWISE_XOR.rawValue) { $0.put(NFTA_DATA_VALUE.rawValue, UInt32(0).machineOrder) }
        }
    }

    private mutating func load(_ value: [UInt8], _ register: nft_registers) {
        add("immediate") { data in
            data.put(NFTA_IMMEDIATE_DREG.rawValue, register.rawValue)
            data.nest(NFTA_IMMEDIATE_DATA.rawValue) { $0.put(NFTA_DATA_VALUE.rawValue, value) }
        }
    }

    mutating func translate(to address: IPAddress, _ port: UInt16) {
        load(address.bytes, NFT_REG_1)
        load(port.networkOrder, NFT_REG_2)
        add("nat") { data in
            data.put(NFTA_NAT_TYPE.rawValue, NFT_NAT_DNAT.rawValue)
            data.put(NFTA_NAT_FAMILY.rawValue, UInt32(address.family.number))
            data.put(NFTA_NAT_REG_ADDR_MIN.rawValue, NFT_REG_1.rawValue)
            data.put(NFTA_NAT_REG_PROTO_MIN.rawValue, NFT_REG_2.rawValue)
        }
    }

    mutating func drop() {
        add("immediate") { data in
            data.put(NFTA_IMMEDIATE_DREG.rawValue, UInt32(NFT_REG_VERDICT.rawValue))
            data.nest(NFTA_IMMEDIATE_DATA.rawValue) { value in
                value.nest(NFTA_DATA_VERDICT.rawValue) { verdict in
                    verdict.put(NFTA_VERDICT_CODE.rawValue, UInt32(bitPattern: Verdict.drop.kernelCode))
                }
            }
        }
    }

    mutating func doNotTrack() {
        attributes.nest(NFTA_LIST_ELEM.rawValue) { $0.put(NFTA_EXPR_NAME.rawValue, "notrack") }
    }
}

extension AddressFamily {
    fileprivate var number: Int {
        switch self {
        case .ipv4: NFPROTO_IPV4
        case .ipv6: NFPROTO_IPV6
        }
    }
}

extension IPAddress {
    fileprivate var bytes: [UInt8] {
        switch self {
        case .v4(let address): address.bits.networkOrder
        case .v6(let address): address.bits.networkOrder
        }
    }
}

extension FixedWidthInteger {
    /// As netlink has lengths, types and the contents of registers that are numbers.
    var machineOrder: [UInt8] { littleEndian == self ? networkOrder.reversed() : networkOrder }
}

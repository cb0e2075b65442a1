internal import Addressing
internal import Nftables

extension MetaKey {
    var word: String {
        switch self {
        case .nfproto: "nfproto"
        case .l4proto: "l4proto"
        case .iifname: "iifname"
        case .oifname: "oifname"
        }
    }
}

extension ConntrackKey {
    /// nft's word, without the direction that the tuple's keys need.
    var word: String {
        switch self {
        case .state: "state"
        case .direction: "direction"
        case .status: "status"
        case .originalIPv4Source: "ip saddr"
        case .originalIPv4Destination: "ip daddr"
        case .originalIPv6Source: "ip6 saddr"
        case .originalIPv6Destination: "ip6 daddr"
        case .originalServiceDestination: "proto-dst"
        }
    }

    var isOfTuple: Bool {
        switch self {
        case .state, .direction, .status: false
        case .originalIPv4Source, .originalIPv4Destination, .originalIPv6Source, .originalIPv6Destination,
            .originalServiceDestination:
            true
        }
    }
}

extension HeaderField {
    /// The header's name and the field's.
    var words: (header: String, field: String) {
        switch self {
        case .tcpFlags: ("tcp", "flags")
        case .sourcePort(let transport): (transport.description, "sport")
        case .destinationPort(let transport): (transport.description, "dport")
        case .ip4Source: ("ip", "saddr")
        case .ip4Destination: ("ip", "daddr")
        case .ip6Source: ("ip6", "saddr")
        case .ip6Destination: ("ip6", "daddr")
        case .icmpType: ("icmp", "type")
        case .icmpv6Type: ("icmpv6", "type")
        }
    }
}

extension Key {
    var text: String {
        switch self {
        case .meta(.nfproto): "meta nfproto"
        case .meta(.l4proto): "meta l4proto"
        case .meta(let key): key.word
        case .conntrack(let key): key.isOfTuple ? "ct original \(key.word)" : "ct \(key.word)"
        case .header(let field): "\(field.words.header) \(field.words.field)"
        case .socket(.cgroup(let level)): "socket cgroupv2 level \(level)"
        }
    }
}

extension Direction {
    var word: String {
        switch self {
        case .original: "original"
        case .reply: "reply"
        }
    }
}

extension ConntrackFlags {
    /// In nft's order.
    var words: [String] {
        switch self {
        case .state(let state):
            [
                (ConntrackFlags.State.invalid, "invalid"), (.established, "established"), (.related, "related"),
                (.new, "new"), (.untracked, "untracked"),
            ].filter { state.contains($0.0) }.map(\.1)
        case .status(let status):
            [(ConntrackFlags.Status.expected, "expected"), (.snat, "snat"), (.dnat, "dnat")]
                .filter { status.contains($0.0) }.map(\.1)
        }
    }
}

extension TCPFlags {
    /// In nft's order.
    var words: [String] {
        [
            (TCPFlags.fin, "fin"), (.syn, "syn"), (.rst, "rst"), (.psh, "psh"), (.ack, "ack"), (.urg, "urg"),
            (Self(rawValue: 0x40), "ecn"), (Self(rawValue: 0x80), "cwr"),
        ].filter { contains($0.0) }.map(\.1)
    }
}

extension Value {
    /// As nft lists it for the key.
    func text(for key: Key) -> String {
        switch self {
        case .family(let family): family.rawValue
        case .l4proto(let l4proto): l4proto.word
        case .direction(let direction): direction.word
        case .port(let port): String(port)
        case .number(let number): key.word(for: number) ?? String(number)
        case .cgroup(let group): "\"\(group.path)\""
        }
    }
}

extension Key {
    /// nft's word for a number of this key, where it has one.
    func word(for number: UInt8) -> String? {
        switch self {
        case .header(.icmpType): Self.icmpTypes[number]
        case .header(.icmpv6Type): Self.icmpv6Types[number]
        case .header(.tcpFlags):
            // nft spells one flag by name and several as a number.
            number.nonzeroBitCount == 1
                ? TCPFlags(rawValue: number).words.first : "0x" + String(number, radix: 16)
        case .meta(.l4proto): L4Protocol(rawValue: number)?.word
        case .meta, .conntrack, .header, .socket: nil
        }
    }

    private static let icmpTypes: [UInt8: String] = [
        0: "echo-reply", 3: "destination-unreachable", 4: "source-quench", 5: "redirect", 8: "echo-request",
        9: "router-advertisement", 10: "router-solicitation", 11: "time-exceeded", 12: "parameter-problem",
        13: "timestamp-request", 14: "timestamp-reply", 15: "info-request", 16: "info-reply",
        17: "address-mask-request", 18: "address-mask-reply",
    ]

    private static let icmpv6Types: [UInt8: String] = [
        1: "destination-unreachable", 2: "packet-too-big", 3: "time-exceeded", 4: "parameter-problem",
        128: "echo-request", 129: "echo-reply", 130: "mld-listener-query", 131: "mld-listener-report",
        132: "mld-listener-done", 133: "nd-router-solicit", 134: "nd-router-advert", 135: "nd-neighbor-solicit",
        136: "nd-neighbor-advert", 137: "nd-redirect", 138: "router-renumbering", 141: "ind-neighbor-solicit",
        142: "ind-neighbor-advert", 143: "mld2-listener-report",
    ]
}

extension Verdict {
    var text: String {
        switch self {
        case .accept: "accept"
        case .drop: "drop"
        case .return: "return"
        case .jump(let chain): "jump \(chain)"
        case .goto(let chain): "goto \(chain)"
        }
    }
}

extension Limit.Unit {
    var word: String {
        switch self {
        case .second: "second"
        case .minute: "minute"
        case .hour: "hour"
        case .day: "day"
        }
    }
}

extension BaseChain.Hook {
    var word: String {
        switch self {
        case .prerouting: "prerouting"
        case .input: "input"
        case .forward: "forward"
        case .output: "output"
        case .postrouting: "postrouting"
        case .ingress: "ingress"
        }
    }

    /// The word with the interface that it belongs to.
    var text: String { device.map { "\(word) device \"\($0)\"" } ?? word }
}

extension BaseChain.Policy {
    var word: String {
        switch self {
        case .drop: "drop"
        case .accept: "accept"
        }
    }
}

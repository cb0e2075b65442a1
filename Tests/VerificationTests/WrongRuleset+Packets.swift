import Nftables

/// What is decided by a part of the packet that no policy speaks of.
extension WrongRuleset {
    static let packets = [
        WrongRuleset("every other eight addresses are let in") {
            try $0.insertRule(
                "published",
                .init([
                    .meta(.nfproto, into: .first), .compare(.first, .equal, [2]),
                    .payload(.network, offset: 15, length: 1, into: .first),
                    .bitwise(.first, mask: [8], xor: [0], into: .first), .compare(.first, .equal, [8]),
                    .immediate(.accept),
                ]))
        },
        WrongRuleset("nothing over UDP and IPv6 is let in") {
            try $0.insertRule(
                "published",
                .init([
                    .meta(.nfproto, into: .first), .compare(.first, .equal, [10]),
                    .meta(.l4proto, into: .first), .compare(.first, .equal, [17]), .immediate(.drop),
                ]))
        },
        WrongRuleset("who sends from the port of DNS is let in") {
            try $0.insertRule(
                "published",
                .init([
                    .payload(.transport, offset: 0, length: 2, into: .first), .compare(.first, .equal, [0, 53]),
                    .immediate(.accept),
                ]))
        },
    ]
}

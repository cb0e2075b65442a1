internal import Digest

/// Names of nftables objects made from names of the policy.
///
/// A policy's name may hold any text; nft spells only ASCII letters, digits and `/ - _ .`. Every other byte, and `/` itself, is
/// written `/hh`, so that no two names ever meet. A word of ours stands before each, so that none is a keyword of nft.
enum NftName {
    static func service(_ name: String) -> String { "service-\(escaped(name))" }
    static func hostService(_ name: String) -> String { "host-\(escaped(name))" }
    static func group(_ name: String) -> String { "group-\(escaped(name))" }
    static func sources(_ owner: String) -> String { "sources-\(owner)" }
    static func interfaces(of service: String) -> String { "interfaces-\(escaped(service))" }

    /// The base chain of what comes in by an interface that containers share.
    static func ingress(_ interface: String) -> String { "ingress-\(escaped(interface))" }
    /// A service's chain for containers that are on the wire themselves.
    static func onTheWire(_ chain: String) -> String { "wire-\(chain)" }

    /// The chain of ports that several services publish. `//` never comes out of `escaped`.
    static func union(of services: [String]) -> String { union("services-", services) }
    static func hostUnion(of services: [String]) -> String { union("host-services-", services) }

    private static func union(_ prefix: String, _ services: [String]) -> String {
        let name = prefix + services.map(escaped).joined(separator: "//")
        guard name.utf8.count > maximumLength else { return name }
        var digest = SHA256()
        for service in services { digest.add(service) }
        return "\(prefix)\(services.count)//\(digest.hexadecimal.prefix(32))"
    }

    static func allowed(_ chain: String) -> String { "\(chain)-allowed" }
    static func refused(_ chain: String) -> String { "\(chain)-refused" }

    /// NFT_NAME_MAXLEN of `linux/netfilter/nf_tables.h`, less the NUL and what we put behind a chain's name.
    private static let maximumLength = 255 - 16

    private static func escaped(_ name: String) -> String {
        var result = ""
        for byte in name.utf8 {
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "_"), UInt8(ascii: "."):
                result.unicodeScalars.append(Unicode.Scalar(byte))
            default:
                let digits = String(byte, radix: 16)
                result += digits.count == 1 ? "/0\(digits)" : "/\(digits)"
            }
        }
        return result
    }
}

import Addressing

@testable import TestSupport

/// A client outside, with an address in each family that it has.
struct Caller: Hashable, Sendable {
    var name: String
    var place: Place
    var address4: String?
    var address6: String?
    /// Whether the policy's list of allowed sources has it.
    var isListed: Bool

    func address(_ family: AddressFamily) -> String? { family == .ipv4 ? address4 : address6 }

    static let all = [
        Caller(
            name: "allowed", place: .client, address4: "203.0.113.7", address6: "2001:db8:10::7", isListed: true),
        Caller(
            name: "refused", place: .client, address4: "203.0.113.99", address6: "2001:db8:10:1::7", isListed: false),
        Caller(
            name: "allowed neighbour", place: .client, address4: "192.0.2.10", address6: "2001:db8:1::10",
            isListed: true),
        Caller(
            name: "neighbour", place: .client, address4: "192.0.2.66", address6: "2001:db8:1::66", isListed: false),
        Caller(
            name: "allowed, second interface", place: .otherClient, address4: "198.51.100.130",
            address6: "2001:db8:20::7", isListed: true),
        Caller(
            name: "second interface", place: .otherClient, address4: "198.51.100.66", address6: "2001:db8:20:1::7",
            isListed: false),
        Caller(
            name: "allowed, link-local", place: .client, address6: "fe80::10%eth0", isListed: true),
        Caller(
            name: "link-local", place: .otherClient, address6: "fe80::20%eth0", isListed: false),
    ]

    /// Those among `all` that the policy lets in.
    static let list = """
        [203.0.113.0/28, 192.0.2.10, 198.51.100.130, "2001:db8:10::/64", "2001:db8:1::10", "2001:db8:20::/64", "fe80::10"]
        """
}

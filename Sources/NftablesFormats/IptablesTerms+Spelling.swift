internal import Addressing
internal import Nftables

extension IptablesTerms {
    static func proto(_ number: UInt8, _ family: AddressFamily, isNegated: Bool = false) -> Self {
        var terms = Self()
        terms.proto = Choice(value: protocolWord(number, family), isNegated: isNegated)
        return terms
    }

    private static func protocolWord(_ number: UInt8, _ family: AddressFamily) -> String {
        switch L4Protocol(rawValue: number) {
        case .tcp: "tcp"
        case .udp: "udp"
        case .sctp: "sctp"
        case .igmp: "2"
        case .icmp: family == .ipv4 ? "icmp" : "1"
        case .icmpv6: family == .ipv6 ? "ipv6-icmp" : "58"
        case nil: String(number)
        }
    }

    /// `nil` where the key is no address.
    static func address(_ text: String, for key: Key) -> Self? {
        switch key {
        case .conntrack(.originalIPv4Source), .conntrack(.originalIPv6Source):
            return .match("-m conntrack --ctorigsrc \(text)")
        case .conntrack(.originalIPv4Destination), .conntrack(.originalIPv6Destination):
            return .match("-m conntrack --ctorigdst \(text)")
        case .header(.ip4Source), .header(.ip6Source):
            var terms = Self()
            terms.source = Choice(value: text)
            return terms
        case .header(.ip4Destination), .header(.ip6Destination):
            var terms = Self()
            terms.destination = Choice(value: text)
            return terms
        case .meta, .conntrack, .header, .socket: return nil
        }
    }

    /// `nil` where the key is no port.
    static func ports(_ ports: ClosedRange<UInt16>, for key: Key, isNegated: Bool = false) -> [Self]? {
        let not = isNegated ? "! " : ""
        let range = ports.count == 1 ? "\(ports.lowerBound)" : "\(ports.lowerBound):\(ports.upperBound)"
        switch key {
        case .conntrack(.originalServiceDestination): return [.match("-m conntrack \(not)--ctorigdstport \(range)")]
        case .header(.sourcePort(let transport)):
            return [.match("-m \(transport) \(not)--sport \(range)", proto: transport.description)]
        case .header(.destinationPort(let transport)):
            return [.match("-m \(transport) \(not)--dport \(range)", proto: transport.description)]
        case .meta, .conntrack, .header, .socket: return nil
        }
    }

    /// `nil` for type 255, which iptables takes for any.
    static func icmp(_ type: UInt8, for key: Key, isNegated: Bool = false) -> Self? {
        guard type < 255 else { return nil }
        let not = isNegated ? "! " : ""
        return key == .header(.icmpType)
            ? .match("-m icmp \(not)--icmp-type \(type)", proto: "icmp")
            : .match("-m icmp6 \(not)--icmpv6-type \(type)", proto: "ipv6-icmp")
    }

    static func interface(_ name: InterfaceName, for key: Key) -> Self? {
        // A `+` at the end is iptables' wildcard, and no name of 15 letters goes on.
        if name.stem.hasSuffix("+"), !name.isWildcard { return nil }
        let isWildcard = name.isWildcard && name.stem.utf8.count < InterfaceName.maximumLength
        var terms = Self()
        let choice = Choice(value: name.stem + (isWildcard ? "+" : ""))
        switch key {
        case .meta(.iifname): terms.input = choice
        case .meta(.oifname): terms.output = choice
        case .meta, .conntrack, .header, .socket: return nil
        }
        return terms
    }

    /// The opposite, where this is an interface and nothing else.
    var negatedInterface: Self? {
        var result = self
        if var input, output == nil, matches.isEmpty, proto == nil, source == nil, destination == nil {
            input.isNegated = true
            result.input = input
            return result
        }
        if var output, input == nil, matches.isEmpty, proto == nil, source == nil, destination == nil {
            output.isNegated = true
            result.output = output
            return result
        }
        return nil
    }
}

extension KeyField {
    /// The rules that together ask for this field; `nil` where iptables has no word for it.
    func choices(for key: Key, _ family: AddressFamily) -> [IptablesTerms]? {
        let choices: [IptablesTerms?] =
            switch self {
            case .ipv4(let range):
                range.prefixes.map { IptablesTerms.address("\($0.address.text)/\($0.length)", for: key) }
            case .ipv6(let range):
                range.prefixes.map { IptablesTerms.address("\($0.address.text)/\($0.length)", for: key) }
            case .service(let range): IptablesTerms.ports(range, for: key) ?? [nil]
            // Each family has a table of its own there.
            case .family: [nil]
            // `-p 0` stands for every protocol.
            case .proto(let number): [number == 0 || key != .meta(.l4proto) ? nil : .proto(number, family)]
            case .interface(let name): [.interface(name, for: key)]
            }
        let known = choices.compactMap { $0 }
        return known.count == choices.count ? known : nil
    }
}

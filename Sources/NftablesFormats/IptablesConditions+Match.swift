internal import Addressing
internal import Nftables

extension IptablesConditions {
    mutating func add(_ key: Key, _ relation: Relation) {
        switch key {
        case .meta(.nfproto): addFamily(relation)
        case .meta(.l4proto): addProtocol(relation)
        case .meta(.iifname): addSet(key, relation)
        case .meta(.oifname): addSet(key, relation)
        case .conntrack(.state), .conntrack(.status): addFlags(relation)
        case .conntrack(.direction): addDirection(relation)
        case .conntrack(.originalIPv4Source), .conntrack(.originalIPv4Destination):
            if family == .ipv4 { addTuple(key, relation) } else { never() }
        case .conntrack(.originalIPv6Source), .conntrack(.originalIPv6Destination):
            if family == .ipv6 { addTuple(key, relation) } else { never() }
        case .conntrack(.originalServiceDestination): addTuple(key, relation)
        case .header(.ip4Source), .header(.ip4Destination):
            if family == .ipv4 { addAddress(key, relation) } else { never() }
        case .header(.ip6Source), .header(.ip6Destination):
            if family == .ipv6 { addAddress(key, relation) } else { never() }
        case .header(.icmpType): if family == .ipv4 { addICMP(key, relation) } else { never() }
        case .header(.icmpv6Type): if family == .ipv6 { addICMP(key, relation) } else { never() }
        case .header(.sourcePort(let transport)), .header(.destinationPort(let transport)):
            var needed = IptablesTerms()
            needed.proto = .init(value: transport.description)
            require(needed)
            addPort(key, relation)
        case .header(.tcpFlags): addTCPFlags(relation)
        // xt_cgroup sees the socket of a packet only once it is connected.
        case .socket: fail("the control group of a socket")
        }
    }

    private mutating func addFamily(_ relation: Relation) {
        switch relation {
        case .equals(.family(let wanted)): if wanted != family { never() }
        case .notEquals(.family(let other)): if other == family { never() }
        case .equals, .notEquals, .inSet, .notInSet, .anyOf, .flagsDiffer, .prefix4, .prefix6, .range:
            fail("this question about the network layer")
        }
    }

    private mutating func addProtocol(_ relation: Relation) {
        switch relation {
        case .equals(.l4proto(let wanted)): require(.proto(wanted.rawValue, family))
        case .notEquals(.l4proto(let other)): require(.proto(other.rawValue, family, isNegated: true))
        case .inSet, .notInSet: addSet(.meta(.l4proto), relation)
        case .range(let low, let high):
            guard low > 0 else {
                // `-p 0` stands for every protocol.
                fail("a range of protocols from 0")
                return
            }
            require(oneOf: low > high ? [] : (low...high).map { .proto($0, family) })
        case .equals, .notEquals, .anyOf, .flagsDiffer, .prefix4, .prefix6:
            fail("this question about the protocol")
        }
    }

    private mutating func addFlags(_ relation: Relation) {
        switch relation {
        case .anyOf(.state(let state)):
            let words = ConntrackFlags.state(state).words.map { $0.uppercased() }
            if words.isEmpty {
                never()
            } else {
                require(.match("-m conntrack --ctstate \(words.joined(separator: ","))"))
            }
        case .anyOf(.status(.expected)):
            noteEntry(implied: true)
            require(.match("-m conntrack --ctstatus EXPECTED"))
        case .anyOf(.status(let status)):
            noteEntry(implied: true)
            let words = ConntrackFlags.status(status).words.map { $0.uppercased() }
            if words.isEmpty || status.contains(.expected) {
                fail("a status other than snat, dnat or expected alone")
            } else {
                require(.match("-m conntrack --ctstate \(words.joined(separator: ","))"))
            }
        case .equals, .notEquals, .inSet, .notInSet, .flagsDiffer, .prefix4, .prefix6, .range:
            fail("this question about conntrack's state or status")
        }
    }

    private mutating func addDirection(_ relation: Relation) {
        switch relation {
        case .equals(.direction(.original)), .notEquals(.direction(.reply)):
            noteEntry(implied: true)
            require(.match("-m conntrack --ctdir ORIGINAL"))
        case .equals(.direction(.reply)), .notEquals(.direction(.original)):
            noteEntry(implied: true)
            require(.match("-m conntrack --ctdir REPLY"))
        case .equals, .notEquals, .inSet, .notInSet, .anyOf, .flagsDiffer, .prefix4, .prefix6, .range:
            fail("this question about the direction")
        }
    }

    private mutating func addTuple(_ key: Key, _ relation: Relation) {
        switch relation {
        case .equals(.port(let port)):
            noteEntry(implied: true)
            require(.match("-m conntrack --ctorigdstport \(port)"))
        case .notEquals(.port(let port)):
            noteEntry(implied: true)
            require(.match("-m conntrack ! --ctorigdstport \(port)"))
        case .inSet:
            noteEntry(implied: true)
            addSet(key, relation)
        case .notInSet:
            noteEntry(implied: false)
            addSet(key, relation)
        case .prefix4, .prefix6:
            noteEntry(implied: true)
            addAddress(key, relation)
        case .equals, .notEquals, .anyOf, .flagsDiffer, .range: fail("this question about what the client dialled")
        }
    }

    private mutating func addAddress(_ key: Key, _ relation: Relation) {
        switch relation {
        case .prefix4(let address, let length):
            if let terms = IptablesTerms.address("\(address.text)/\(length)", for: key) {
                require(terms)
            } else {
                fail("an IPv4 address here")
            }
        case .prefix6(let address, let length):
            if let terms = IptablesTerms.address("\(address.text)/\(length)", for: key) {
                require(terms)
            } else {
                fail("an IPv6 address here")
            }
        case .inSet, .notInSet: addSet(key, relation)
        case .equals, .notEquals, .anyOf, .flagsDiffer, .range: fail("this question about an address")
        }
    }

    private mutating func addPort(_ key: Key, _ relation: Relation) {
        switch relation {
        case .equals(.port(let port)): require(oneOf: IptablesTerms.ports(port...port, for: key) ?? [])
        case .notEquals(.port(let port)):
            for terms in IptablesTerms.ports(port...port, for: key, isNegated: true) ?? [] { require(terms) }
        case .inSet, .notInSet:
            // A fragment has no ports: it is neither in a set nor out of it.
            if case .notInSet = relation, let every = IptablesTerms.ports(0...UInt16.max, for: key) {
                require(oneOf: every)
            }
            addSet(key, relation)
        case .equals, .notEquals, .anyOf, .flagsDiffer, .prefix4, .prefix6, .range:
            fail("this question about a port")
        }
    }

    private mutating func addTCPFlags(_ relation: Relation) {
        switch relation {
        case .flagsDiffer(let flags, let mask):
            if mask.rawValue & ~0x3f != 0 || flags.rawValue & ~0x3f != 0 {
                fail("the TCP flags ECN and CWR")
            } else if flags.isSubset(of: mask) {
                require(.match("-m tcp ! --tcp-flags \(mask.iptablesText) \(flags.iptablesText)", proto: "tcp"))
            } else {
                // They always differ; a header there must be all the same.
                require(oneOf: IptablesTerms.ports(0...UInt16.max, for: .header(.destinationPort(.tcp))) ?? [])
            }
        case .equals, .notEquals, .inSet, .notInSet, .anyOf, .prefix4, .prefix6, .range:
            fail("this question about TCP flags")
        }
    }

    private mutating func addICMP(_ key: Key, _ relation: Relation) {
        switch relation {
        case .equals(.number(let type)): addICMP(type...type, key)
        case .range(let low, let high): if low <= high { addICMP(low...high, key) } else { never() }
        case .notEquals(.number(let type)):
            if let terms = IptablesTerms.icmp(type, for: key, isNegated: true) { require(terms) } else { fail255() }
        case .equals, .notEquals, .inSet, .notInSet, .anyOf, .flagsDiffer, .prefix4, .prefix6:
            fail("this question about an ICMP type")
        }
    }

    private mutating func addICMP(_ types: ClosedRange<UInt8>, _ key: Key) {
        let choices = types.compactMap { IptablesTerms.icmp($0, for: key) }
        if choices.count == types.count { require(oneOf: choices) } else { fail255() }
    }

    private mutating func fail255() { fail("ICMP type 255, which iptables takes for any") }

    private mutating func addSet(_ key: Key, _ relation: Relation) {
        let name: String
        let isNegated: Bool
        switch relation {
        case .inSet(let set): (name, isNegated) = (set, false)
        case .notInSet(let set): (name, isNegated) = (set, true)
        case .equals, .notEquals, .anyOf, .flagsDiffer, .prefix4, .prefix6, .range:
            fail("this question about \(key.text)")
            return
        }
        guard let set = sets[name] else {
            fail("set \(name), which is not there")
            return
        }
        switch set.elements {
        case .ipv4(let addresses): ask(key, for: addresses, isNegated: isNegated)
        case .ipv6(let addresses): ask(key, for: addresses, isNegated: isNegated)
        case .keyed(let elements): add(elements, of: name, key, isNegated: isNegated)
        }
    }

    private mutating func add(_ elements: [Element], of name: String, _ key: Key, isNegated: Bool) {
        var choices: [IptablesTerms] = []
        for element in elements {
            guard element.key.count == 1, let more = element.key.first?.choices(for: key, family) else {
                fail("what set \(name) holds")
                return
            }
            choices += more
        }
        if !isNegated {
            require(oneOf: choices)
        } else if choices.count == 1, let negated = choices.first?.negatedInterface {
            require(negated)
        } else {
            refuse(choices)
        }
    }
}

extension TCPFlags {
    fileprivate var iptablesText: String {
        isEmpty ? "NONE" : words.map { $0.uppercased() }.joined(separator: ",")
    }
}

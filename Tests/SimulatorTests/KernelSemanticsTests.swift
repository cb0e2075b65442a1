import Addressing
import Nftables
import Simulator
import Testing

/// Small rulesets, each with one thing to find out, run on one packet.
@Suite("Expressions do what the kernel does")
struct KernelSemanticsTests {
    static let client = Endpoint(v4(0xcb00_7105), 40000)
    static let client6 = Endpoint(v6(0x2001_0db8 << 96 | 5), 40000)
    let arrival = Packet.toHost(.tcp, from: client, to: Endpoint(v4(0xc000_0201), 80), iifname: "eth0")
    let arrival6 = Packet.toHost(.tcp, from: client6, to: Endpoint(v6(0x2001_0db8 << 96 | 1), 80), iifname: "eth0")

    static let counted: [Statement] = [.verdict(.drop)]

    /// Whether a rule of these statements, and then `drop`, drops the packet.
    func matches(_ statements: [Statement], _ packet: Packet, sets: [NamedSet] = []) -> Bool {
        fate([Rule(statements + [.verdict(.drop)]).linearized().expressions], packet, sets: sets) == .drop
    }

    func fate(_ rules: [[Expression]], _ packet: Packet, sets: [NamedSet] = []) -> Trace.Fate {
        Simulation(
            LinearRuleset(
                table: Table(name: "t"), sets: sets,
                chains: [
                    LinearChain(
                        name: "base", base: BaseChain(hook: packet.hook, priority: 0, policy: .accept),
                        rules: rules.map { LinearRule($0) })
                ])
        ).trace(packet).fate
    }

    @Test("An original IPv4 address is not there in an entry of IPv6, and not there matches neither = nor !=")
    func conntrackAddressOfTheOtherFamily() {
        let all = NamedSet(name: "all", key: [.ipv4Address], elements: .ipv4(.all))
        let none = NamedSet(name: "none", key: [.ipv4Address], elements: .ipv4(.init()))
        let source = Key.conntrack(.originalIPv4Source)
        #expect(matches([.match(source, .inSet("all"))], arrival, sets: [all, none]))
        #expect(matches([.match(source, .notInSet("none"))], arrival, sets: [all, none]))
        #expect(!matches([.match(source, .inSet("all"))], arrival6, sets: [all, none]))
        #expect(!matches([.match(source, .notInSet("none"))], arrival6, sets: [all, none]))
        #expect(!matches([.match(source, .prefix4(0, length: 0))], arrival6))
    }

    @Test("Without a conntrack entry there is a state and nothing else")
    func withoutEntry() {
        var lost = arrival
        for (view, state) in [
            (ConntrackView.invalid, ConntrackFlags.State.invalid), (.untracked, .untracked),
        ] {
            lost.conntrack = view
            #expect(matches([.match(.conntrack(.state), .anyOf(.state(state)))], lost))
            #expect(matches([.match(.conntrack(.state), .anyOf(.state([.invalid, .untracked])))], lost))
            #expect(!matches([.match(.conntrack(.state), .anyOf(.state([.new, .established, .related])))], lost))
            #expect(!matches([.match(.conntrack(.direction), .notEquals(.direction(.reply)))], lost))
            #expect(!matches([.match(.conntrack(.direction), .equals(.direction(.original)))], lost))
            #expect(
                !matches(
                    [
                        .match(.meta(.l4proto), .equals(.l4proto(.tcp))),
                        .match(.conntrack(.originalServiceDestination), .notEquals(.port(1))),
                    ], lost))
        }
    }

    @Test("A status is a mask of bits, a direction a number, a state one bit")
    func conntrackOfAnEntry() {
        let dnat: Statement = .match(.conntrack(.status), .anyOf(.status(.dnat)))
        let published = Packet.published(
            .tcp, from: Self.client, to: Endpoint(v4(0xc000_0201), 8080), container: Endpoint(v4(0xac11_0002), 80),
            iifname: "eth0", oifname: "docker0")
        #expect(matches([dnat], published))
        #expect(matches([dnat], published.reply))
        #expect(!matches([dnat], arrival))
        #expect(matches([.match(.conntrack(.direction), .equals(.direction(.original)))], published))
        #expect(matches([.match(.conntrack(.direction), .equals(.direction(.reply)))], published.reply))
        #expect(matches([.match(.conntrack(.state), .anyOf(.state(.new)))], published))
        #expect(matches([.match(.conntrack(.state), .anyOf(.state(.established)))], published.reply))
        #expect(!matches([.match(.conntrack(.state), .anyOf(.state(.new)))], published.midStream))
    }

    @Test("A prefix is compared as far as it goes, or under its mask")
    func prefixes() {
        let source = Key.conntrack(.originalIPv4Source)
        for (length, other): (Int, UInt32) in [
            (8, 0xca00_0000), (24, 0xcb00_7200), (25, 0xcb00_7180), (32, 0xcb00_7104),
        ] {
            let mask = UInt32.max << (32 - length)
            #expect(matches([.match(source, .prefix4(0xcb00_7105 & mask, length: length))], arrival))
            #expect(!matches([.match(source, .prefix4(other, length: length))], arrival))
        }
        #expect(matches([.match(.header(.ip6Source), .prefix6(0x2001_0db8 << 96, length: 32))], arrival6))
        #expect(matches([.match(.header(.ip6Source), .prefix6(0x2001_0db8 << 96, length: 33))], arrival6))
        #expect(!matches([.match(.header(.ip6Source), .prefix6(0xfe80 << 112, length: 10))], arrival6))
        #expect(!matches([.match(.header(.ip6Source), .prefix6(0, length: 0))], arrival))
    }

    @Test("What lies past a header, in a fragment or in another protocol's header is not there")
    func headers() {
        let load = { (base: PayloadBase, offset: Int, length: Int) -> [[Expression]] in
            [[.payload(base, offset: offset, length: length, into: .first), .immediate(.drop)]]
        }
        #expect(fate(load(.transport, 0, 4), arrival) == .drop)
        #expect(fate(load(.transport, 18, 4), arrival) == .accept)
        #expect(fate(load(.network, 8, 32), arrival) == .accept)
        var fragment = arrival
        fragment.transport = .fragment(l4proto: 6)
        #expect(fate(load(.transport, 0, 2), fragment) == .accept)
        #expect(matches([.match(.meta(.l4proto), .equals(.l4proto(.tcp)))], fragment))
        #expect(!matches([.match(.header(.destinationPort(.udp)), .notEquals(.port(1)))], arrival))
    }

    @Test("What a packet of ours does not say, and what we do not know, is unknown and never guessed")
    func unknown() {
        #expect(
            fate([[.payload(.transport, offset: 4, length: 4, into: .first), .immediate(.drop)]], arrival)
                == .unknown("byte 4 of the header"))
        #expect(
            fate([[.payload(.link, offset: 0, length: 6, into: .first)]], arrival)
                == .unknown("the link layer's header"))
        #expect(fate([[.opaque(name: "fib", [1, 2])]], arrival) == .unknown("expression fib"))
        #expect(
            fate([[.compare(.first, .equal, [1])]], arrival) == .unknown("register 1 is read before it is written"))
        #expect(fate([[.objectReference(.limit, name: "x")]], arrival) == .unknown("there is no limit x"))
        #expect(fate([[.immediate(.goto("x"))]], arrival) == .unknown("there is no chain x"))
        // An expression that is not reached does not matter.
        #expect(
            fate(
                [[.meta(.nfproto, into: .first), .compare(.first, .equal, [10]), .opaque(name: "fib", [])]], arrival)
                == .accept)
    }

    @Test("Bytes compare as memcmp does", arguments: [(79, false, true), (80, true, false), (81, false, true)])
    func comparisons(port: UInt16, isEqual: Bool, differs: Bool) {
        #expect(matches([.match(.header(.destinationPort(.tcp)), .equals(.port(port)))], arrival) == isEqual)
        #expect(matches([.match(.header(.destinationPort(.tcp)), .notEquals(.port(port)))], arrival) == differs)
        let compare = { (comparison: Comparison) -> Bool in
            fate(
                [
                    [
                        .payload(.transport, offset: 2, length: 2, into: .first),
                        .compare(.first, comparison, port.networkOrder), .immediate(.drop),
                    ]
                ], arrival) == .drop
        }
        #expect(compare(.less) == (80 < port))
        #expect(compare(.lessOrEqual) == (80 <= port))
        #expect(compare(.greater) == (80 > port))
        #expect(compare(.greaterOrEqual) == (80 >= port))
    }

    @Test("A hook without an interface has an empty name, which is in no set")
    func interfaces() throws {
        let wildcards = try ["docker0", "br-*"].map { Element(key: [.interface(try InterfaceName($0))]) }
        let set = NamedSet(name: "containers", key: [.interfaceName], elements: .keyed(wildcards))
        var packet = arrival
        for (name, isIn) in [
            ("docker0", true), ("docker01", false), ("docker", false), ("br-", true), ("br-1f", true), ("br", false),
        ] {
            packet.iifname = name
            #expect(matches([.match(.meta(.iifname), .inSet("containers"))], packet, sets: [set]) == isIn)
        }
        #expect(!matches([.match(.meta(.oifname), .inSet("containers"))], arrival, sets: [set]))
        #expect(matches([.match(.meta(.oifname), .notInSet("containers"))], arrival, sets: [set]))
    }

    @Test("TCP flags under a mask, ICMP types in ranges, two ports at once")
    func transports() {
        let notSyn: Statement = .match(
            .header(.tcpFlags), .flagsDiffer(from: .syn, mask: [.fin, .syn, .rst, .ack]))
        #expect(!matches([notSyn], arrival))
        #expect(matches([notSyn], arrival.midStream))
        #expect(matches([notSyn], arrival.reply))
        #expect(
            matches(
                [
                    .match(.header(.sourcePort(.tcp)), .equals(.port(40000))),
                    .match(.header(.destinationPort(.tcp)), .equals(.port(80))),
                ], arrival))
        var ping = arrival6
        ping.transport = .icmpv6(type: 128, code: 0)
        #expect(matches([.match(.header(.icmpv6Type), .range(128, 129))], ping))
        #expect(!matches([.match(.header(.icmpv6Type), .range(1, 127))], ping))
        #expect(!matches([.match(.header(.icmpType), .range(0, 255))], ping))
    }
}

func v4(_ bits: UInt32) -> IPAddress { .v4(IPv4Address(bits)) }
func v6(_ bits: UInt128) -> IPAddress { .v6(IPv6Address(bits)) }

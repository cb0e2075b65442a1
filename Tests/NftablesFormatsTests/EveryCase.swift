import Addressing
import Nftables

/// A ruleset that holds every case of every enum of the IR at least once, in the form that nft itself would list.
enum EveryCase {
    static let longName = "service-" + String(repeating: "n", count: 192)
    static let oddNames = ["group-10.0.0.0/20-v4", "a-b.c_d", "Z/9", "x", longName]

    static func ruleset(rules: [Rule]) -> Ruleset {
        Ruleset(
            table: Table(name: "dockernft", comment: "policy 5f3a: \"quoted\" {braces} #hash"),
            counters: [Counter(name: "refused"), Counter(name: longName), Counter(name: "group-10.0.0.0/20.x")],
            limits: Limit.Unit.allCases.enumerated().map { index, unit in
                Limit(name: "limit-\(unit)", rate: UInt64(10 + index), unit: unit, burst: UInt32(5 + 5 * index))
            },
            sets: sets,
            chains: oddNames.map { Chain(name: $0, rules: [Rule([.verdict(.return)])]) } + bases
                + [Chain(name: "every-rule", rules: rules)])
    }

    static var bases: [Chain] {
        BaseChain.Hook.ofTheStack.enumerated().map { index, hook in
            Chain(
                name: "base-\(hook)",
                base: BaseChain(
                    hook: hook, priority: [-10, 0, 7, -400, 111][index], policy: index == 3 ? .drop : .accept),
                rules: [Rule([.verdict(.accept)], comment: "everything")])
        }
            + [
                Chain(
                    name: "base-ingress",
                    base: BaseChain(hook: .ingress(device: "lo"), priority: -500, policy: .accept),
                    rules: [Rule([.verdict(.accept)])])
            ]
            + [-310, -290, -100, -99, 11, 40, 61].enumerated().map { index, priority in
                Chain(
                    name: "base-output-\(index)",
                    base: BaseChain(hook: .output, priority: Int32(priority), policy: .accept))
            }
            + [-100, -110, 100].enumerated().map { index, priority in
                Chain(
                    name: "base-prerouting-\(index)",
                    base: BaseChain(hook: .prerouting, priority: Int32(priority), policy: .accept))
            }
    }

    static var sets: [NamedSet] {
        let interfaces = ["eth0", "docker0", "lo", "wg0"].compactMap { try? InterfaceName($0) }
        let wildcards = ["br-*", "docker0", "lo"].compactMap { try? InterfaceName($0) }
        let ports: [ClosedRange<UInt16>] = [0...0, 1...1, 2...5, 80...80, 443...443, 1000...2000, 65535...65535]
        let verdicts: [Verdict] = [
            .accept, .drop, .return, .jump("x"), .goto("a-b.c_d"), .goto(longName), .goto("Z/9"),
        ]
        return [
            NamedSet(name: "v4", key: [.ipv4Address], elements: .ipv4(v4)),
            NamedSet(name: "v6", key: [.ipv6Address], elements: .ipv6(v6)),
            NamedSet(name: "v4-all", key: [.ipv4Address], elements: .ipv4(.all)),
            NamedSet(name: "v6-all", key: [.ipv6Address], elements: .ipv6(.all)),
            NamedSet(name: "v4-empty", key: [.ipv4Address], elements: .ipv4(.init())),
            NamedSet(name: "v6-empty", key: [.ipv6Address], elements: .ipv6(.init())),
            NamedSet(
                name: "group-10.0.0.0/20-v4", key: [.ipv4Address], elements: .ipv4(.init([0x0a00_0000...0x0a00_0fff]))),
            NamedSet(
                name: "v4-hash", key: [.ipv4Address], isInterval: false,
                elements: .ipv4(
                    .init([0x0102_0304...0x0102_0304, 0x0a00_0001...0x0a00_0001, 0xc000_0201...0xc000_0201]))),
            NamedSet(
                name: "protocols", key: [.inetProtocol], isInterval: false,
                elements: .keyed([17, 6, 132, 1, 58].map { Element(key: [.proto($0)]) })),
            NamedSet(
                name: "interfaces", key: [.interfaceName], isInterval: false,
                elements: .keyed(interfaces.map { Element(key: [.interface($0)]) })),
            NamedSet(
                name: "wildcards", key: [.interfaceName],
                elements: .keyed(wildcards.reversed().map { Element(key: [.interface($0)]) })),
            NamedSet(name: "interfaces-empty", key: [.interfaceName], elements: .keyed([])),
            NamedSet(
                name: "ports", key: [.inetService],
                elements: .keyed(ports.map { Element(key: [.service($0)]) })),
            NamedSet(
                name: "on-ports", key: [.inetService], isMap: true,
                elements: .keyed(zip(ports, verdicts).map { Element(key: [.service($0)], verdict: $1) })),
            NamedSet(name: "on-nothing", key: [.inetService], isMap: true, elements: .keyed([])),
            NamedSet(
                name: "on-v4", key: [.ipv4Address], isMap: true,
                elements: .keyed([
                    Element(key: [.ipv4(0x0102_0300...0x0102_03ff)], verdict: .goto("x")),
                    Element(key: [.ipv4(0x0102_0401...0x0102_0404)], verdict: .drop),
                ])),
            NamedSet(
                name: "on-interfaces", key: [.interfaceName], isMap: true,
                elements: .keyed(wildcards.map { Element(key: [.interface($0)], verdict: .jump("x")) })),
            NamedSet(
                name: "on-v4-port", key: [.ipv4Address, .inetService], isMap: true,
                elements: .keyed([
                    Element(key: [.ipv4(0xc000_0201...0xc000_0201), .service(80...80)], verdict: .goto("x")),
                    Element(key: [.ipv4(0x0a00_0000...0x0aff_ffff), .service(7000...7010)], verdict: .goto("Z/9")),
                    Element(key: [.ipv4(0x0102_0304...0x0102_0309), .service(1...2)], verdict: .accept),
                    Element(key: [.ipv4(0...UInt32.max), .service(0...65535)], verdict: .drop),
                ])),
            NamedSet(
                name: "on-v6-port", key: [.ipv6Address, .inetService], isMap: true,
                elements: .keyed([
                    Element(key: [.ipv6(1...1), .service(80...80)], verdict: .goto("x")),
                    Element(key: [.ipv6(1...5), .service(70...71)], verdict: .goto("x")),
                    Element(key: [.ipv6(0...UInt128.max), .service(1...65535)], verdict: .return),
                ])),
            NamedSet(
                name: "on-protocol-port", key: [.inetProtocol, .inetService], isMap: true, isInterval: false,
                elements: .keyed(
                    [(6, 80), (17, 53), (6, 22), (132, 5), (6, 443)].map {
                        Element(key: [.proto($0.0), .service($0.1...$0.1)], verdict: .goto("x"))
                    })),
            NamedSet(
                name: "on-interface-port", key: [.interfaceName, .inetService], isMap: true,
                elements: .keyed(
                    wildcards.map { Element(key: [.interface($0), .service(80...90)], verdict: .goto("x")) })),
        ]
    }

    static let v4 = IntervalSet<UInt32>([
        0...0x7fff_ffff, 0x8000_0001...0xc0a8_0001, 0xc633_6407...0xc633_6414, 0xcb00_7100...0xcb00_71ff,
        0xffff_ffff...0xffff_ffff,
    ])

    static let v6 = IntervalSet<UInt128>([
        0...0, 2...5, 0x0102_0304...0x0102_0304, 0xa_0000...0xa_0000, 0xffff_0102_0304...0xffff_0102_0304,
        0x2001_0db8 << 96...(0x2001_0db8 << 96 | UInt128.max >> 32), UInt128.max << 112...UInt128.max,
        0xfe80 << 112...(0xfe80 << 112 | 0xff), (0x1 << 112 | 0x2 << 64 | 3)...(0x1 << 112 | 0x2 << 64 | 3),
    ])
}

import Addressing
import Nftables
import NftablesKernel
import Testing

@Suite(.needsRoot)
struct ElementTests {
    private func office(_ ranges: ClosedRange<UInt32>...) -> NamedSet {
        NamedSet(name: "office", key: [.ipv4Address], elements: .ipv4(IntervalSet(ranges)))
    }

    /// Creates the set, makes the changes, and gives what the kernel then holds.
    private func elements(
        of set: NamedSet, after changes: [Change] = [], listed text: String? = nil,
        _ location: SourceLocation = #_sourceLocation
    ) throws -> Elements {
        let namespace = try ScratchNamespace()
        var kernel = try namespace.connect()
        try kernel.commit(Transaction(creating: table(set)))
        try kernel.commit(Transaction(table: "t", changes: changes))
        let observed = try #require(try kernel.readTable(named: "t"), sourceLocation: location)
        #expect(observed.oddities == [], sourceLocation: location)
        if let text {
            let listing = try namespace.run("nft list \(set.isMap ? "map" : "set") inet t \(set.name)")
            #expect(listing.contains(text), "\(listing)", sourceLocation: location)
        }
        return try #require(observed.ruleset.sets.first, sourceLocation: location).elements
    }

    @Test func `One interval is added and another deleted`() throws {
        let set = office(10...19, 40...49)
        let changes: [Change] = [
            .deleteElements(set: set.header, .ipv4(.init([10...19]))),
            .addElements(set: set.header, .ipv4(.init([30...30]))),
        ]
        #expect(
            try elements(of: set, after: changes, listed: "0.0.0.30, 0.0.0.40-0.0.0.49")
                == .ipv4(.init([30...30, 40...49])))
    }

    @Test func `An interval that grows is deleted and added in one transaction`() throws {
        let set = office(4...4)
        let changes: [Change] = [
            .deleteElements(set: set.header, .ipv4(.init([4...4]))),
            .addElements(set: set.header, .ipv4(.init([4...5]))),
        ]
        #expect(try elements(of: set, after: changes, listed: "{ 0.0.0.4/31 }") == .ipv4(.init([4...5])))
    }

    @Test func `Intervals that become neighbours stay apart from what is deleted between them`() throws {
        let set = office(4...4, 6...6, 8...9)
        let changes: [Change] = [
            .deleteElements(set: set.header, .ipv4(.init([4...4, 6...6]))),
            .addElements(set: set.header, .ipv4(.init([4...6]))),
        ]
        #expect(try elements(of: set, after: changes) == .ipv4(.init([4...6, 8...9])))
    }

    @Test func `A set that was emptied is filled again`() throws {
        let set = office(4...4)
        let changes: [Change] = [
            .deleteElements(set: set.header, set.elements), .addElements(set: set.header, .ipv4(.init([0...3]))),
        ]
        #expect(try elements(of: set, after: changes, listed: "{ 0.0.0.0/30 }") == .ipv4(.init([0...3])))
        #expect(try elements(of: set, after: [.deleteElements(set: set.header, set.elements)]) == .ipv4(.init()))
    }

    @Test(arguments: [
        ([0...UInt32.max], "{ 0.0.0.0/0 }"), ([0...0xff_ffff, 0xff00_0000...UInt32.max], "{ 0.0.0.0/8, 255.0.0.0/8 }"),
        ([0...0], "{ 0.0.0.0 }"), ([UInt32.max...UInt32.max], "{ 255.255.255.255 }"),
        ([1...UInt32.max], "{ 0.0.0.1-255.255.255.255 }"),
        ([0...UInt32.max - 1], "{ 0.0.0.0-255.255.255.254 }"),
    ])
    func `The first and the last address are addresses`(ranges: [ClosedRange<UInt32>], text: String) throws {
        let set = NamedSet(name: "edge", key: [.ipv4Address], elements: .ipv4(IntervalSet(ranges)))
        #expect(try elements(of: set, listed: text) == set.elements)
        // And they are deleted as they were added.
        #expect(try elements(of: set, after: [.deleteElements(set: set.header, set.elements)]) == .ipv4(.init()))
        let other: Elements = .ipv4(.init([100...200]))
        let changes: [Change] = [.deleteElements(set: set.header, set.elements), .addElements(set: set.header, other)]
        #expect(try elements(of: set, after: changes) == other)
    }

    @Test(arguments: [
        ([0...UInt128.max], "{ ::/0 }"), ([1 << 127...UInt128.max], "{ 8000::/1 }"),
        ([0...0, 2...2], "{ ::,\n\t\t\t     ::2 }"),
    ])
    func `So they are in IPv6`(ranges: [ClosedRange<UInt128>], text: String) throws {
        let set = NamedSet(name: "edge", key: [.ipv6Address], elements: .ipv6(IntervalSet(ranges)))
        #expect(try elements(of: set, listed: text) == set.elements)
        #expect(try elements(of: set, after: [.deleteElements(set: set.header, set.elements)]) == .ipv6(.init()))
    }

    @Test func `Elements of a verdict map are replaced by key`() throws {
        let map = NamedSet(
            name: "ports", key: [.inetService], isMap: true,
            elements: .keyed([
                Element(key: [.service(0...9)], verdict: .accept), Element(key: [.service(10...10)], verdict: .drop),
                Element(key: [.service(65535...65535)], verdict: .drop),
            ]))
        let after: [Element] = [
            Element(key: [.service(0...9)], verdict: .drop), Element(key: [.service(10...10)], verdict: .drop),
            Element(key: [.service(65535...65535)], verdict: .drop),
        ]
        let changes: [Change] = [
            .deleteElements(set: map.header, .keyed([Element(key: [.service(0...9)], verdict: .accept)])),
            .addElements(set: map.header, .keyed([after[0]])),
        ]
        #expect(try elements(of: map, after: changes, listed: "{ 0-9 : drop, 10 : drop,") == .keyed(after))
    }

    @Test func `Concatenations with ranges are deleted by both ends`() throws {
        let field: (ClosedRange<UInt16>) -> Element = { Element(key: [.proto(6), .service($0)]) }
        let set = NamedSet(
            name: "ports", key: [.inetProtocol, .inetService], elements: .keyed([field(80...80), field(100...200)]))
        let changes: [Change] = [.deleteElements(set: set.header, .keyed([field(100...200)]))]
        #expect(try elements(of: set, after: changes, listed: "{ tcp . 80 }") == .keyed([field(80...80)]))
    }

    @Test func `The longest names of interfaces, and the beginnings of names`() throws {
        let others = try ["abcdefghijklm*", "abcdefghijklnop", "b"].map {
            Element(key: [.interface(try InterfaceName($0))])
        }
        let long = NamedSet(name: "names", key: [.interfaceName], elements: .keyed(others))
        #expect(try elements(of: long, listed: "\"abcdefghijklm*\"") == long.elements)
    }

    @Test func `A set without intervals holds every address of a range`() throws {
        let set = NamedSet(
            name: "hosts", key: [.ipv4Address], isInterval: false, elements: .ipv4(.init([7...9, 20...5000])))
        #expect(try elements(of: set) == set.elements)
    }

    @Test func `nft adds to a set of ours and deletes from it`() throws {
        let namespace = try ScratchNamespace()
        var kernel = try namespace.connect()
        try kernel.commit(Transaction(creating: table(office(0xa00_0000...0xa00_00ff))))
        try namespace.run("nft add element inet t office '{ 0.0.0.0/8, 192.0.2.0-192.0.2.9 }'")
        try namespace.run("nft delete element inet t office '{ 10.0.0.0/24 }'")
        try namespace.run("nft add element inet t office '{ 255.0.0.0/8 }'")
        let observed = try #require(try kernel.readTable(named: "t"))
        #expect(observed.ruleset.sets == [office(0...0xff_ffff, 0xc000_0200...0xc000_0209, 0xff00_0000...UInt32.max)])
        // And we delete what nft added.
        let header = observed.ruleset.sets[0].header
        try kernel.commit(
            Transaction(table: "t", changes: [.deleteElements(set: header, observed.ruleset.sets[0].elements)]))
        #expect(try kernel.readTable(named: "t")?.ruleset.sets == [office()])
    }

    /// The kernel resizes it meanwhile. Whether under a dump is chance: what is done then, DecoderTests say.
    @Test func `A large set without intervals is read whole`() throws {
        let hosts = (0..<40_000).map { (index: Int) in UInt32(index) * 30_000...UInt32(index) * 30_000 }
        let set = NamedSet(name: "hosts", key: [.ipv4Address], isInterval: false, elements: .ipv4(IntervalSet(hosts)))
        for _ in 0..<2 { #expect(try elements(of: set) == set.elements) }
    }

    @Test func `A hundred thousand intervals go there and back`() throws {
        let ranges = (0..<100_000).map { (index: Int) -> ClosedRange<UInt32> in
            let low = UInt32(index) * 40_000
            return low...(low + 255)
        }
        let set = NamedSet(name: "large", key: [.ipv4Address], elements: .ipv4(IntervalSet(ranges)))
        #expect(try elements(of: set) == set.elements)
    }
}

import Addressing
import Foundation
import HostRules
import TestSupport

/// A ruleset as nft lists it: `nft --debug=netlink list ruleset` for what the kernel runs, and `nft -j` for its hooks.
struct Bytecode {
    private(set) var tables: [HostTable] = []

    init(in namespace: NetworkNamespace) throws {
        let json = try namespace.run("nft", "-j", "list", "chains").orThrow()
        let listing = try namespace.run("nft", "--debug=netlink", "list", "ruleset").orThrow()
        try readChains(json)
        readListing(listing)
    }

    private struct Listing: Decodable {
        struct Chain: Decodable {
            var family: String
            var table: String
            var name: String
            var type: String?
            var hook: String?
            var prio: Int32?
            var policy: String?
        }

        struct Entry: Decodable {
            var chain: Chain?
        }

        var nftables: [Entry]
    }

    private mutating func readChains(_ json: String) throws {
        for entry in try JSONDecoder().decode(Listing.self, from: Data(json.utf8)).nftables {
            guard let chain = entry.chain else { continue }
            let hook = HostChain.Base.Hook.allCases.first { "\($0)" == chain.hook }
            let base = hook.map {
                HostChain.Base(
                    type: chain.type ?? "filter", hook: $0, priority: chain.prio ?? 0,
                    dropsByDefault: chain.policy == "drop")
            }
            tables[index(chain.family, chain.table)].chains.append(HostChain(name: chain.name, base: base))
        }
    }

    private mutating func index(_ family: String, _ name: String) -> Int {
        if let index = tables.firstIndex(where: { $0.family.word == family && $0.name == name }) { return index }
        let family = HostTable.Family.allCases.first { $0.word == family } ?? .inet
        tables.append(HostTable(family: family, name: name, chains: []))
        return tables.count - 1
    }

    private mutating func readListing(_ text: String) {
        var place = (table: 0, chain: -1)
        var handle: UInt64 = 0
        for line in text.split(separator: "\n") {
            let words = line.split(separator: " ").map(String.init)
            if line.hasPrefix("\telement") {
                let table = place.table
                let last = tables[table].sets.count - 1
                tables[table].sets[last].add(words.drop { $0.hasPrefix("\t") }.map { $0 })
            } else if line.hasPrefix("  [") {
                guard place.chain >= 0 else { continue }
                let rules = tables[place.table].chains[place.chain].rules.count - 1
                let instruction = Instruction(Array(words.drop { $0 == "" }.dropFirst().dropLast()))
                tables[place.table].chains[place.chain].rules[rules].instructions.append(instruction)
            } else if words.count >= 3, HostTable.Family.allCases.contains(where: { $0.word == words[0] }),
                !line.contains("{")
            {
                place.table = index(words[0], words[1])
                if words[2].hasPrefix("@") {
                    tables[place.table].sets.append(HostSet(name: String(words[2].dropFirst()), keyLength: 4))
                } else if words.count > 3, let number = UInt64(words[3]) {
                    handle = number
                    place.chain = tables[place.table].chains.firstIndex { $0.name == words[2] } ?? -1
                    tables[place.table].chains[place.chain].rules.append(HostRule(handle: handle, []))
                }
            } else if line.first != "\t" {
                place.chain = -1
            }
        }
        for table in tables.indices {
            for set in tables[table].sets.indices { tables[table].sets[set].join() }
        }
    }
}

extension HostSet {
    /// `752d7262 00000062 00000000 00000000  : jump -> web 0 [end]`
    fileprivate mutating func add(_ words: [String]) {
        let colon = words.firstIndex(of: ":") ?? words.count
        let key = words[..<colon].flatMap { $0.octets }
        keyLength = key.count
        fieldLengths = [key.count]
        let rest = Array(words[(colon + 1)...])
        let flags = rest.dropLast().last ?? "0"
        elements.append(
            Element(low: key, high: key, verdict: HostVerdict(rest), data: [UInt8(flags) ?? 0]))
    }

    /// An interval is a pair of elements: where it begins, and, with a flag, where it has ended.
    fileprivate mutating func join() {
        guard elements.contains(where: { $0.data == [1] }) else {
            for index in elements.indices { elements[index].data = nil }
            return
        }
        let sorted = elements.sorted { $0.low.lexicographicallyPrecedes($1.low) }
        elements = sorted.enumerated().compactMap { index, element in
            guard element.data == [0] else { return nil }
            var high = index + 1 < sorted.count ? sorted[index + 1].low : Array(repeating: 0, count: keyLength)
            for place in high.indices.reversed() {
                high[place] &-= 1
                if high[place] != 255 { break }
            }
            return Element(low: element.low, high: high, verdict: element.verdict)
        }
    }
}

extension HostVerdict {
    fileprivate init?(_ words: [String]) {
        switch words.first {
        case "accept": self = .accept
        case "drop": self = .drop
        case "return": self = .return
        case "jump" where words.count > 2: self = .jump(words[2])
        case "goto" where words.count > 2: self = .goto(words[2])
        case _: return nil
        }
    }
}

extension String {
    /// nft prints words of the kernel's own order, with or without `0x`.
    fileprivate var octets: [UInt8] {
        let digits = hasPrefix("0x") ? dropFirst(2) : self[...]
        guard digits.count == 8, let word = UInt32(digits, radix: 16) else { return [] }
        return (0..<4).map { UInt8(truncatingIfNeeded: word >> (8 * $0)) }
    }

    /// Registers 1 to 4 have four words each, those from 8 on one.
    fileprivate var register: Int {
        let number = Int(prefix { $0 != "," && $0 != ")" }) ?? 0
        return number >= 8 ? number - 8 : (number - 1) * 4
    }
}

extension Instruction {
    fileprivate init(_ words: [String]) {
        func after(_ word: String) -> String { words.firstIndex(of: word).map { words[$0 + 1] } ?? "" }
        func register(_ word: String) -> Int? {
            words.contains(word) ? words[words.firstIndex(of: word)! + 2].register : nil
        }
        let keys: [String: UInt32] = [
            "protocol": 1, "mark": 3, "iif": 4, "oif": 5, "iifname": 6, "oifname": 7, "nfproto": 15, "l4proto": 16,
            "pkttype": 19,
        ]
        let connection: [String: UInt32] = [
            "state": 0, "direction": 1, "status": 2, "src_ip": 19, "dst_ip": 20, "src_ip6": 21, "dst_ip6": 22,
            "proto_src": 11, "proto_dst": 12, "src": 8, "dst": 9,
        ]
        let into = register("=>") ?? 0
        switch words.first {
        case "meta" where words[1] == "load" && keys[words[2]] != nil: self = .loadMeta(keys[words[2]]!, into: into)
        case "ct" where words[1] == "load" && connection[words[2]] != nil:
            self = .loadConntrack(
                connection[words[2]]!, direction: words.contains("dir") ? (after("dir") == "original" ? 0 : 1) : nil,
                into: into)
        case "payload" where words[1] == "load":
            self = .loadPayload(
                base: words[4] == "link" ? 0 : words[4] == "network" ? 1 : 2, offset: Int(after("+")) ?? 0,
                length: Int(words[2].dropLast()) ?? 0, into: into)
        case "fib" where words[1] == "daddr" && words[2] == "type": self = .loadFIB(result: 3, flags: 2, into: into)
        case "cmp":
            let operations: [String: UInt32] = ["eq": 0, "neq": 1, "lt": 2, "lte": 3, "gt": 4, "gte": 5]
            self = .compare(words[3].register, operation: operations[words[1]] ?? 99, words[4...].flatMap { $0.octets })
        case "bitwise":
            let mask = words[(words.firstIndex(of: "&")! + 1)..<words.firstIndex(of: ")")!].flatMap { $0.octets }
            let xor = words[(words.firstIndex(of: "^")! + 1)...].flatMap { $0.octets }
            self = .bitwise(words[6].register, mask: mask, xor: xor, into: words[2].register)
        case "lookup":
            let set = after("set")
            self =
                words.contains("dreg")
                ? (after("dreg") == "0"
                    ? .lookupVerdict(map: set, words[2].register)
                    : .lookupValue(map: set, words[2].register, into: after("dreg").register))
                : .lookup(set: set, words[2].register, inverted: words.last == "0x1")
        case "immediate":
            if let verdict = HostVerdict(Array(words[3...])) {
                self = .verdict(verdict)
            } else {
                self = .loadImmediate(words[3...].flatMap { $0.octets }, into: words[2].register)
            }
        case "nat" where words[1] == "dnat":
            self = .destinationNAT(address: register("addr_min"), port: register("proto_min"))
        case "nat", "masq": self = .sourceNAT
        case "reject": self = .reject
        case "limit": self = .limit
        case "counter", "log": self = .noEffect(words[0])
        case "objref": self = words.contains("4") ? .limit : .noEffect("counter")
        case _: self = .unknown(words.joined(separator: " "))
        }
    }
}

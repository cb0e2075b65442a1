internal import Addressing
internal import Nftables

/// A service as the kernel's table shows it. A port that several services share has a chain of its own, in which each counts into
/// its own counters: by these a service is known.
struct ServiceInForce {
    /// The name of the service's own chain, whether it is there or not.
    let chain: String
    private(set) var ports: [String] = []
    /// Sets with the number of their intervals, addresses, or `anyone`.
    private(set) var sources: [String] = []

    var allowedCounter: String { chain + Self.allowed }
    var refusedCounter: String { chain + Self.refused }

    private static let allowed = "-allowed"
    private static let refused = "-refused"

    static func all(in ruleset: LinearRuleset, counters: Set<String>) -> [Self] {
        let chains = counters.compactMap { counter in
            [allowed, refused].first { counter.hasSuffix($0) }.map { String(counter.dropLast($0.count)) }
        }
        return Set(chains).filter { $0.hasPrefix("service-") || $0.hasPrefix("host-") }.sorted()
            .map { Self(chain: $0, ruleset) }
    }

    private init(chain: String, _ ruleset: LinearRuleset) {
        self.chain = chain
        let sizes = Dictionary(
            ruleset.sets.filter { $0.key != [.interfaceName] }.map { ($0.name, $0.elements.count) }
        ) { first, _ in first }
        var doors: Set<String> = []
        for door in ruleset.chains {
            for rule in door.rules where rule.counts(into: [allowedCounter, refusedCounter]) {
                doors.insert(door.name)
                guard rule.expressions.contains(.immediate(.accept)) else { continue }
                let found = rule.sources(sizes)
                if !sources.contains(found) { sources.append(found) }
            }
        }
        ports = Self.ports(leadingTo: doors, ruleset)
    }

    /// The keys of the maps that lead to one of the chains, and what leads there without a key.
    private static func ports(leadingTo doors: Set<String>, _ ruleset: LinearRuleset) -> [String] {
        var ports: [String] = []
        for set in ruleset.sets where set.isMap {
            guard case .keyed(let elements) = set.elements else { continue }
            let transport = set.name.split(separator: "-").first { ["tcp", "udp", "sctp"].contains($0) }
            for element in elements {
                guard case .goto(let door) = element.verdict, doors.contains(door) else { continue }
                let key = element.key.map(\.shortText).joined(separator: ":")
                ports.append(transport.map { "\(key)/\($0)" } ?? "any on \(key)")
            }
        }
        for rule in ruleset.chains.flatMap(\.rules) {
            guard case .immediate(.goto(let door)) = rule.expressions.last, doors.contains(door) else { continue }
            let port = door.hasPrefix("host-") ? "echo-request" : "any"
            if !ports.contains(port) { ports.append(port) }
        }
        return ports
    }
}

extension LinearRule {
    fileprivate func counts(into counters: [String]) -> Bool {
        expressions.contains { expression in
            if case .objectReference(.counter, let name) = expression { counters.contains(name) } else { false }
        }
    }

    /// Whom an accepting rule lets in.
    fileprivate func sources(_ sizes: [String: Int]) -> String {
        for (index, expression) in expressions.enumerated() {
            switch expression {
            case .lookup(let set, _, inverted: false):
                if let size = sizes[set] { return "\(set)(\(size))" }
            case .compare(_, .equal, let bytes):
                if let text = expressions[..<index].sourcePrefix(bytes) { return text }
            case .meta, .conntrack, .socket, .payload, .compare, .bitwise, .lookup, .verdictLookup, .immediate,
                .counter,
                .objectReference, .log, .reject, .opaque:
                break
            }
        }
        return "anyone"
    }
}

extension ArraySlice<Expression> {
    /// The prefix that a comparison with these bytes is about, where what was loaded last is a source.
    fileprivate func sourcePrefix(_ bytes: [UInt8]) -> String? {
        var length = bytes.count * 8
        var loads = self
        if case .bitwise(_, let mask, _, _) = loads.last {
            length = mask.reduce(0) { $0 + $1.nonzeroBitCount }
            loads = loads.dropLast()
        }
        switch loads.last {
        case .conntrack(.originalIPv4Source, _): return Self.text(UInt32.self, bytes, length)
        case .conntrack(.originalIPv6Source, _): return Self.text(UInt128.self, bytes, length)
        case .conntrack, .meta, .socket, .payload, .compare, .bitwise, .lookup, .verdictLookup, .immediate, .counter,
            .objectReference, .log, .reject, .opaque, nil:
            return nil
        }
    }

    private static func text<Bits: AddressBits>(_ type: Bits.Type, _ bytes: [UInt8], _ length: Int) -> String? {
        let full = bytes + Array(repeating: 0, count: Bits.bitWidth / 8 - bytes.count)
        return Bits(networkOrder: full).map { length == Bits.bitWidth ? $0.text : "\($0.text)/\(length)" }
    }
}

extension KeyField {
    fileprivate var shortText: String {
        switch self {
        case .ipv4(let range): range.lowerBound.text
        case .ipv6(let range): "[\(range.lowerBound.text)]"
        case .service(let range): range.text
        case .family(let family): "\(family)"
        case .proto(let number): String(number)
        case .interface(let name): name.description
        }
    }
}

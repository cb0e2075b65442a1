internal import Addressing
public import Nftables

/// libnftables-json(5): what `nft -j -f` loads in the place of the table, in one transaction.
///
/// nft 1.0.6 reads and lists no comment of a table in JSON, and leaves it out.
public enum NftJSON {
    public static func text(_ ruleset: Ruleset) -> String {
        TextBuffer.text { buffer in write(ruleset, to: &buffer) }
    }

    public static func bytes(_ ruleset: Ruleset) -> [UInt8] {
        var buffer = TextBuffer()
        write(ruleset, to: &buffer)
        return buffer.bytes
    }

    private static func write(_ ruleset: Ruleset, to buffer: inout TextBuffer) {
        let name = JSONValue.string(ruleset.table.name)
        let bare: JSONValue = .one("table", .object([("family", .family), ("name", name)]))
        buffer.append("{\"nftables\": [\n")
        JSONValue.one("metainfo", .one("json_schema_version", .number(1))).write(to: &buffer)
        func command(_ verb: String, _ value: JSONValue) {
            buffer.append(",\n")
            JSONValue.one(verb, value).write(to: &buffer)
        }
        // A table must exist to be deleted.
        command("add", bare)
        command("delete", bare)
        var table: [(name: String, value: JSONValue)] = [("family", .family), ("name", name)]
        if let comment = ruleset.table.comment { table.append(("comment", .string(Spelling.comment(comment)))) }
        command("add", .one("table", .object(table)))
        for counter in ruleset.counters {
            command(
                "add",
                .one(
                    "counter",
                    .object([
                        ("family", .family), ("table", name), ("name", .string(counter.name)), ("packets", .number(0)),
                        ("bytes", .number(0)),
                    ])))
        }
        for limit in ruleset.limits {
            command(
                "add",
                .one(
                    "limit",
                    .object([
                        ("family", .family), ("table", name), ("name", .string(limit.name)),
                        ("rate", .number(Int64(clamping: limit.rate))), ("per", .string(limit.unit.word)),
                        ("burst", .number(Int64(limit.burst))),
                    ])))
        }
        // Chains first: a verdict map's elements name them.
        for chain in ruleset.chains {
            var members: [(name: String, value: JSONValue)] = [
                ("family", .family), ("table", name), ("name", .string(chain.name)),
            ]
            if let base = chain.base {
                members += [
                    ("type", "filter"), ("hook", .string(base.hook.word)), ("prio", .number(Int64(base.priority))),
                    ("policy", .string(base.policy.word)),
                ]
                if let device = base.hook.device { members.append(("dev", .string(device))) }
            }
            command("add", .one("chain", .object(members)))
        }
        for set in ruleset.sets {
            buffer.append(",\n")
            write(set, of: name, to: &buffer)
        }
        for chain in ruleset.chains {
            for rule in chain.rules {
                var members: [(name: String, value: JSONValue)] = [
                    ("family", .family), ("table", name), ("chain", .string(chain.name)),
                ]
                if let comment = rule.comment { members.append(("comment", .string(Spelling.comment(comment)))) }
                members.append(("expr", .array(rule.statements.map(value(statement:)))))
                command("add", .one("rule", .object(members)))
            }
        }
        buffer.append("\n]}\n")
    }

    /// The elements are written as they are read: a set may hold a million.
    private static func write(_ set: NamedSet, of table: JSONValue, to buffer: inout TextBuffer) {
        var members: [(name: String, value: JSONValue)] = [
            ("family", .family), ("table", table), ("name", .string(set.name)),
            ("type", .several(set.key.map { .string($0.word) })),
        ]
        if set.isMap { members.append(("map", "verdict")) }
        let flags: [JSONValue] = (set.isInterval ? ["interval"] : []) + (set.timesOut ? ["timeout"] : [])
        if !flags.isEmpty { members.append(("flags", .array(flags))) }
        let header = TextBuffer.text { JSONValue.object(members).write(to: &$0) }
        buffer.append("{\"add\": {\"\(set.isMap ? "map" : "set")\": ")
        guard !set.elements.isEmpty else {
            buffer.append("\(header)}}")
            return
        }
        buffer.append("\(header.dropLast()), \"elem\": [")
        var isFirst = true
        func write(_ value: JSONValue) {
            if !isFirst { buffer.append(", ") }
            isFirst = false
            value.write(to: &buffer)
        }
        switch set.elements {
        case .ipv4(let addresses): for range in addresses.ranges { write(.range(of: range)) }
        case .ipv6(let addresses): for range in addresses.ranges { write(.range(of: range)) }
        case .keyed(let elements): for element in set.listed(elements) { write(value(element: element)) }
        }
        buffer.append("]}}}")
    }

    private static func value(element: Element) -> JSONValue {
        let fields = element.key.map { field -> JSONValue in
            switch field {
            case .family(let family): .string(family.rawValue)
            case .ipv4(let range): .range(of: range)
            case .ipv6(let range): .range(of: range)
            case .service(let range):
                range.count == 1
                    ? .number(Int64(range.lowerBound))
                    : .one("range", .array([.number(Int64(range.lowerBound)), .number(Int64(range.upperBound))]))
            case .proto(let number): L4Protocol(rawValue: number).map { .string($0.word) } ?? .number(Int64(number))
            case .interface(let name): .string(name.description)
            }
        }
        var key: JSONValue = fields.count > 1 ? .one("concat", .array(fields)) : fields.first ?? .null
        if let timeout = element.timeout {
            // In whole seconds: nothing shorter can be said there.
            key = .one(
                "elem", .object([("val", key), ("timeout", .number(Int64(clamping: (timeout + 999) / 1000)))]))
        }
        guard let verdict = element.verdict else { return key }
        return .array([key, value(verdict: verdict)])
    }
}

extension JSONValue {
    static var family: JSONValue { .string(Table.family) }

    /// The value itself where there is one alone.
    static func several(_ values: [JSONValue]) -> JSONValue {
        guard values.count == 1, let value = values.first else { return .array(values) }
        return value
    }

    static func range<Bits: AddressBits>(of range: ClosedRange<Bits>) -> JSONValue {
        if range.lowerBound == range.upperBound { return .string(range.lowerBound.text) }
        if let length = range.prefixLength { return prefix(range.lowerBound.text, length) }
        return .one("range", .array([.string(range.lowerBound.text), .string(range.upperBound.text)]))
    }

    static func prefix(_ address: String, _ length: Int) -> JSONValue {
        .one("prefix", .object([("addr", .string(address)), ("len", .number(Int64(length)))]))
    }
}

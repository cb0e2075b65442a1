internal import Addressing
internal import Nftables

extension NftJSON {
    static func value(statement: Statement) -> JSONValue {
        switch statement {
        case .match(let key, let relation): match(key, relation)
        case .verdictMap(let keys, let map):
            .one(
                "vmap",
                .object([
                    (
                        "key",
                        keys.count == 1
                            ? .several(keys.map(value(key:))) : .one("concat", .array(keys.map(value(key:))))
                    ), ("data", "@\(map)"),
                ]))
        case .counter(let name): .one("counter", .string(name))
        case .limit(let name): .one("limit", .string(name))
        case .log(let prefix, let destination):
            switch destination {
            case .nflog(let group):
                .one(
                    "log",
                    .object([("prefix", .string(Spelling.logPrefix(prefix))), ("group", .number(Int64(group)))]))
            case .kernel: .one("log", .one("prefix", .string(Spelling.logPrefix(prefix))))
            }
        case .reject(.tcpReset): .one("reject", .one("type", "tcp reset"))
        case .reject(.portUnreachable):
            .one("reject", .object([("type", "icmpx"), ("expr", "port-unreachable")]))
        case .verdict(let verdict): value(verdict: verdict)
        }
    }

    static func value(verdict: Verdict) -> JSONValue {
        switch verdict {
        case .accept: .one("accept", .null)
        case .drop: .one("drop", .null)
        case .return: .one("return", .null)
        case .jump(let chain): .one("jump", .one("target", .string(chain)))
        case .goto(let chain): .one("goto", .one("target", .string(chain)))
        }
    }

    private static func value(key: Key) -> JSONValue {
        switch key {
        case .meta(let key): .one("meta", .one("key", .string(key.word)))
        case .conntrack(let key):
            .one(
                "ct",
                .object(
                    key.isOfTuple
                        ? [("key", .string(key.word)), ("dir", "original")] : [("key", .string(key.word))]))
        case .header(let field):
            .one(
                "payload",
                .object([("protocol", .string(field.words.header)), ("field", .string(field.words.field))]))
        case .socket(.cgroup):
            .one("socket", .one("key", "cgroupv2"))
        }
    }

    private static func match(_ key: Key, _ relation: Relation) -> JSONValue {
        let left = value(key: key)
        switch relation {
        case .equals(let equal): return match("==", left, value(equal, of: key))
        case .notEquals(let other): return match("!=", left, value(other, of: key))
        case .inSet(let name): return match("==", left, "@\(name)")
        case .notInSet(let name): return match("!=", left, "@\(name)")
        case .anyOf(let flags): return match("in", left, .several(flags.words.map { .string($0) }))
        case .flagsDiffer(let flags, let mask):
            let under = JSONValue.several(mask.words.map { .string($0) })
            if flags.isEmpty { return match("in", left, under) }
            return match("!=", .one("&", .array([left, under])), .several(flags.words.map { .string($0) }))
        case .prefix4(let address, let length):
            return match("==", left, length < UInt32.bitWidth ? .prefix(address.text, length) : .string(address.text))
        case .prefix6(let address, let length):
            return match("==", left, length < UInt128.bitWidth ? .prefix(address.text, length) : .string(address.text))
        case .range(let low, let high):
            return match("==", left, .one("range", .array([.number(Int64(low)), .number(Int64(high))])))
        }
    }

    private static func match(_ comparison: String, _ left: JSONValue, _ right: JSONValue) -> JSONValue {
        .one("match", .object([("op", .string(comparison)), ("left", left), ("right", right)]))
    }

    private static func value(_ value: Value, of key: Key) -> JSONValue {
        switch value {
        case .port(let port): .number(Int64(port))
        case .number(let number):
            // libnftables takes the number itself where the text has a hexadecimal one.
            key == .header(.tcpFlags)
                ? .number(Int64(number)) : key.word(for: number).map { .string($0) } ?? .number(Int64(number))
        case .family, .l4proto, .direction: .string(value.text(for: key))
        case .cgroup(let group): .string(group.path)
        }
    }
}

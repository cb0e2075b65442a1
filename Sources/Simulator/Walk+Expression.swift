internal import Nftables

/// What an expression says to the rest of its rule.
enum Outcome {
    /// NFT_CONTINUE
    case goesOn
    /// NFT_BREAK
    case breaks
    case decides(Trace.Decision)

    static func unknown(_ reason: String) -> Self { .decides(.unknown(reason)) }
}

extension Walk {
    func evaluate(_ expression: Expression, _ registers: inout Registers) -> Outcome {
        switch expression {
        case .meta(let key, let register): return store(packet.load(key), in: register, &registers)
        case .conntrack(let key, let register): return store(packet.load(key), in: register, &registers)
        case .payload(let base, let offset, let length, let register):
            return store(packet.load(base, offset: offset, length: length), in: register, &registers)
        // A packet of ours is for no socket.
        case .socket: return .breaks
        case .compare(let register, let comparison, let wanted):
            guard let value = registers.load(register, length: wanted.count) else { return Self.unwritten(register) }
            return comparison.holds(value, wanted) ? .goesOn : .breaks
        case .bitwise(let source, let mask, let xor, let target):
            guard let value = registers.load(source, length: mask.count), xor.count == mask.count else {
                return Self.unwritten(source)
            }
            let result = value.indices.map { (value[$0] & mask[$0]) ^ xor[$0] }
            return store(.bytes(result), in: target, &registers)
        case .lookup(let name, let register, let inverted):
            return find(name, register, registers) { found in
                (found != .no) == inverted ? .breaks : .goesOn
            }
        case .verdictLookup(let name, let register):
            return find(name, register, registers) { found in
                switch found {
                case .no: .breaks
                case .element(let verdict?): .decides(.verdict(verdict))
                case .element(nil): .unknown("an element of map \(name) has no verdict")
                }
            }
        case .immediate(let verdict): return .decides(.verdict(verdict))
        case .counter: return .goesOn
        case .objectReference(.counter, let name):
            return simulation.counters.contains(name) ? .goesOn : .unknown("there is no counter \(name)")
        case .objectReference(.limit, let name):
            return simulation.limits.contains(name) ? .goesOn : .unknown("there is no limit \(name)")
        case .log: return .goesOn
        case .reject(let rejection): return .decides(.reject(rejection))
        case .opaque(let name, _): return .unknown("expression \(name)")
        }
    }

    private func store(_ loaded: Loaded, in register: Register, _ registers: inout Registers) -> Outcome {
        switch loaded {
        case .bytes(let bytes):
            registers.store(bytes, in: register)
                ? .goesOn : .unknown("register \(register.kernelNumber) has no room for \(bytes.count) bytes")
        case .absent: .breaks
        case .unknown(let reason): .unknown(reason)
        }
    }

    private func find(
        _ name: String, _ register: Register, _ registers: Registers, _ judge: (NamedSet.Found) -> Outcome
    ) -> Outcome {
        guard let set = simulation.sets[name] else { return .unknown("there is no set \(name)") }
        guard let key = registers.load(register, length: set.keyLength) else { return Self.unwritten(register) }
        return judge(set.find(key))
    }

    private static func unwritten(_ register: Register) -> Outcome {
        .unknown("register \(register.kernelNumber) is read before it is written")
    }
}

extension Comparison {
    /// `nft_cmp_eval`: bytes compare as `memcmp` does.
    func holds(_ value: [UInt8], _ wanted: [UInt8]) -> Bool {
        switch self {
        case .equal: value == wanted
        case .notEqual: value != wanted
        case .less: value.lexicographicallyPrecedes(wanted)
        case .lessOrEqual: !wanted.lexicographicallyPrecedes(value)
        case .greater: wanted.lexicographicallyPrecedes(value)
        case .greaterOrEqual: !value.lexicographicallyPrecedes(wanted)
        }
    }
}

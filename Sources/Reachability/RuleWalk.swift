internal import Addressing
internal import HostRules

/// One rule run for all sources that reach it.
struct RuleWalk<Bits: AddressBits> {
    enum Ending {
        /// Its conditions hold, and it says nothing about what becomes of the packet.
        case next
        case verdict(HostVerdict)
        case refused
        /// What it does is not known.
        case anything
    }

    struct End {
        var state: PacketState
        var sources: IntervalSet<Bits>
        var ending: Ending
    }

    let instructions: [Instruction]
    let view: PacketView<Bits>
    private(set) var missed = IntervalSet<Bits>()
    private(set) var ends: [End] = []
    private(set) var doubts: Set<String> = []
    /// Asks for an element of a set of the rule's own table; nil where there is no such set.
    private let find: (String, [Symbol]) -> KeyedSet.Found<Bits>?

    init(
        _ instructions: [Instruction], view: PacketView<Bits>,
        find: @escaping (String, [Symbol]) -> KeyedSet.Found<Bits>?
    ) {
        self.instructions = instructions
        self.view = view
        self.find = find
    }

    /// All that an nft register file holds, and what a load of unknown length may write past its end.
    private static var emptyRegisters: [Symbol] { Array(repeating: .unknown, count: 144) }

    mutating func run(_ sources: IntervalSet<Bits>) {
        run(from: 0, Self.emptyRegisters, view.state, sources)
    }

    private mutating func run(
        from start: Int, _ registers: [Symbol], _ state: PacketState, _ sources: IntervalSet<Bits>
    ) {
        var registers = registers
        var state = state
        var matched = sources
        for index in start..<instructions.count {
            var condition = Condition<Bits>.always
            switch instructions[index] {
            case .loadMeta(let key, let into): registers.store(view.meta(key), at: into)
            case .loadConntrack(let key, let direction, let into):
                guard let value = view.conntrack(key, direction: direction) else { return miss(matched) }
                registers.store(value, at: into)
            case .loadPayload(let base, let offset, let length, let into):
                registers.store(view.payload(base: base, offset: offset, length: length), at: into)
            case .loadFIB(let result, let flags, let into):
                registers.store(view.fib(result: result, flags: flags), at: into)
            case .loadControlGroup(let level, let into):
                guard let value = view.controlGroup(level) else { return miss(matched) }
                registers.store(value, at: into)
            case .loadImmediate(let bytes, let into): registers.store(.init(bytes), at: into)
            case .compare(let register, let operation, let bytes):
                condition = registers.load(register, bytes.count).compared(operation, bytes)
            case .range(let register, let from, let to, let inverted):
                condition = registers.load(register, from.count).isWithin(from, to).inverted(inverted)
            case .bitwise(let register, let mask, let xor, let into):
                let old = registers.load(register, mask.count)
                registers.store(zip(old, zip(mask, xor)).map { $0.masked($1.0, xor: $1.1) }, at: into)
            case .byteorder(let register, let into, let size, let length):
                registers.store(registers.load(register, length).turned(size), at: into)
            case .lookup(let set, let register, let inverted):
                condition = found(set, registers, register)?.condition.inverted(inverted) ?? .unsure
            case .lookupValue(let map, let register, let into):
                guard let found = found(map, registers, register), found.payloads.count <= 64 else {
                    registers.store(Array(repeating: .unknown, count: 64), at: into)
                    condition = .unsure
                    break
                }
                note(found.condition, matched, index)
                for (payload, sources) in found.payloads {
                    var branch = registers
                    branch.store(payload.data.map { .init($0) } ?? Array(repeating: .unknown, count: 16), at: into)
                    let part = matched.intersection(sources)
                    if !part.isEmpty { run(from: index + 1, branch, state, part) }
                }
                return miss(matched.intersection(found.condition.no))
            case .lookupVerdict(let map, let register):
                guard let found = found(map, registers, register) else { return end(state, matched, .anything, index) }
                note(found.condition, matched, index)
                for (payload, sources) in found.payloads {
                    let ending = payload.verdict.map { Ending.verdict($0) } ?? .anything
                    end(state, matched.intersection(sources), ending, index)
                }
                return miss(matched.intersection(found.condition.no))
            case .verdict(let verdict): return end(state, matched, .verdict(verdict), index)
            case .destinationNAT(let address, let port):
                let target: IPAddress?? = address.map { registers.address(Bits.family, at: $0) }
                let port: UInt16?? = port.map { registers.port(at: $0) }
                return end(state.sent(to: target, port: port, in: view), matched, .verdict(.accept), index)
            case .redirect(let port):
                let port: UInt16?? = port.map { registers.port(at: $0) }
                return end(state.redirected(port: port, in: view), matched, .verdict(.accept), index)
            case .sourceNAT: return end(state, matched, .verdict(.accept), index)
            case .reject: return end(state, matched, .refused, index)
            case .notrack: state.leaveUntracked()
            case .limit: condition = .unsure
            case .noEffect: break
            case .xtables(let match): condition = view.condition(match)
            case .xtablesTarget(let target):
                switch target {
                case .destinationNAT(let address, let port):
                    let target: IPAddress?? = address.map { IPAddress(networkOrder: $0, family: Bits.family) }
                    let state = state.sent(to: target, port: port.map { .some($0) }, in: view)
                    return end(state, matched, .verdict(.accept), index)
                case .redirect(let port):
                    return end(
                        state.redirected(port: port.map { .some($0) }, in: view), matched, .verdict(.accept), index)
                case .sourceNAT: return end(state, matched, .verdict(.accept), index)
                case .reject: return end(state, matched, .refused, index)
                case .notrack: state.leaveUntracked()
                case .noEffect: break
                case .unknown: return end(state, matched, .anything, index)
                }
            case .unknown: return end(state, matched, .anything, index)
            }
            note(condition, matched, index)
            if !condition.no.isEmpty {
                miss(matched.intersection(condition.no))
                matched = matched.intersection(condition.yes)
                if matched.isEmpty { return }
            }
        }
        ends.append(End(state: state, sources: matched, ending: .next))
    }

    private func found(_ name: String, _ registers: [Symbol], _ register: Int) -> KeyedSet.Found<Bits>? {
        find(name, Array(registers[Swift.min(4 * register, registers.count)...]))
    }

    private mutating func miss(_ sources: IntervalSet<Bits>) {
        missed = missed.union(sources)
    }

    private mutating func end(_ state: PacketState, _ sources: IntervalSet<Bits>, _ ending: Ending, _ index: Int) {
        guard !sources.isEmpty else { return }
        if case .anything = ending { doubts.insert(instructions[index].words) }
        if case .verdict(.queue) = ending { doubts.insert("a program decides (queue)") }
        ends.append(End(state: state, sources: sources, ending: ending))
    }

    private mutating func note(_ condition: Condition<Bits>, _ sources: IntervalSet<Bits>, _ index: Int) {
        if condition.isUnsure(about: sources) { doubts.insert(instructions[index].words) }
    }
}

extension [Symbol] {
    fileprivate mutating func store(_ value: [Symbol], at register: Int) {
        let start = 4 * register
        guard register >= 0, start < count else { return }
        // The kernel fills a register's last word up with zeroes.
        let padding = (4 - value.count % 4) % 4
        for (offset, symbol) in (value + Array(repeating: .byte(0), count: padding)).enumerated()
        where start + offset < count {
            self[start + offset] = symbol
        }
    }

    fileprivate func load(_ register: Int, _ length: Int) -> [Symbol] {
        let start = 4 * register
        guard register >= 0, start + length <= count else { return Array(repeating: .unknown, count: length) }
        return Array(self[start..<start + length])
    }

    fileprivate func address(_ family: AddressFamily, at register: Int) -> IPAddress? {
        let length = family == .ipv4 ? 4 : 16
        guard let values = load(register, length).values else { return nil }
        return IPAddress(networkOrder: values, family: family)
    }

    fileprivate func port(at register: Int) -> UInt16? {
        load(register, 2).values.flatMap { UInt16(networkOrder: $0) }
    }

    fileprivate func turned(_ size: Int) -> [Symbol] {
        guard size > 0, count % size == 0, UInt16(1).littleEndian == 1 else { return self }
        return stride(from: 0, to: count, by: size).flatMap { self[$0..<$0 + size].reversed() }
    }

    /// `enum nft_cmp_ops`
    fileprivate func compared<Bits: AddressBits>(_ operation: UInt32, _ bytes: [UInt8]) -> Condition<Bits> {
        let isEqual: Condition<Bits> = equals(bytes)
        return switch operation {
        case 0: isEqual
        case 1: isEqual.inverted
        case 2: (isAtLeast(bytes) as Condition<Bits>).inverted
        case 3: isAtMost(bytes)
        case 4: (isAtMost(bytes) as Condition<Bits>).inverted
        case 5: isAtLeast(bytes)
        default: .unsure
        }
    }
}

extension PacketState {
    mutating func leaveUntracked() {
        if tracking == .notYet { tracking = .untracked }
    }

    /// Outer nil where that part stays; inner nil where it is not known what it becomes.
    func sent<Bits>(to address: IPAddress??, port: UInt16??, in view: PacketView<Bits>) -> Self {
        var next = self
        if let address { next.address = address }
        if let port { next.port = port }
        next.isNATed = next.address != view.approach.address || next.port != view.approach.port
        return next
    }

    /// `nf_nat_redirect`: to the first address of the interface that it came in by.
    func redirected<Bits: AddressBits>(port: UInt16??, in view: PacketView<Bits>) -> Self {
        let own = view.topology.link(view.place.input)?.addresses.filter { $0.family == Bits.family }
        let address = own?.first { !$0.isLinkLocal } ?? own?.first
        var next = sent(to: .some(address), port: port, in: view)
        next.isRedirected = true
        return next
    }
}

extension Instruction {
    /// What to call it when it cannot be followed.
    var words: String {
        switch self {
        case .unknown(let name), .xtablesTarget(.unknown(let name)): "\(name) is not followed"
        case .xtables(.unknown(let name)): "the match \(name) is not followed"
        case .limit, .xtables(.limit): "a rate or quota"
        case .lookup(let set, _, _), .lookupValue(let set, _, _), .lookupVerdict(let set, _):
            "the set \(set) changes by itself, or its key is not known"
        case .loadMeta, .loadConntrack, .loadPayload, .loadFIB, .loadControlGroup, .loadImmediate, .compare, .range,
            .bitwise, .byteorder,
            .verdict, .destinationNAT, .redirect, .sourceNAT, .reject, .notrack, .noEffect, .xtables, .xtablesTarget:
            "a condition on what is not known before the packet comes"
        }
    }
}

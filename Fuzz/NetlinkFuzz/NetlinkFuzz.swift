internal import Addressing
internal import HostRules
internal import Nftables
internal import NftablesFormats
@testable internal import NftablesKernel
internal import Reconcile
internal import Simulator

/// The first byte chooses who reads the rest: 1 to 13 a decoder of a message's body, all else the cursor of whole messages.
@_cdecl("LLVMFuzzerTestOneInput")
public func readInput(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
    // SAFETY: libFuzzer lends `count` bytes at `start` for this call. They are copied to where ASan watches their ends.
    let input = unsafe Array(UnsafeBufferPointer(start: start, count: count))
    guard let choice = input.first else { return 0 }
    let bytes = Array(input.dropFirst())
    var reading = Reading()
    // The decoders refuse by an error: not to crash is what is asked of them.
    try? reading.read(bytes, choice)
    var host = HostReading()
    try? host.read(bytes, choice)
    host.examine()
    reading.examine()
    return 0
}

/// A dump as it is put together, of a table named `t` as the seeds' is.
private struct Reading {
    var table = TableReader("t")
    var elements: [String: ElementReader] = [:]

    mutating func read(_ bytes: [UInt8], _ choice: UInt8) throws(MalformedMessage) {
        // SAFETY: any bytes are read as bytes.
        let body = unsafe bytes.span.bytes
        switch choice {
        case 1: try table.readTable(body)
        case 2: try table.readChain(body)
        case 3: try table.readRule(body)
        case 4: try table.readObject(body)
        case 5: try table.readFlowtable(body)
        case 6: try table.readSet(body)
        case 7:
            for header in Self.headers {
                var reader = ElementReader(header)
                // What one set refuses may be an element of the next.
                try? reader.read(body)
                elements[header.name] = reader
                table.sets.append(NamedSet(header))
            }
        case 8: table.rules["c"] = [LinearRule([try Expression(decoding: body)])]
        case 9: _ = body.readUserData { _, item in _ = item.text() }
        case 10: try readBatchAnswers(body)
        default: try readMessages(body)
        }
    }

    private mutating func readMessages(_ bytes: RawSpan) throws(MalformedMessage) {
        var messages = MessageCursor(bytes)
        while let message = try messages.next() {
            if let answer = try Answer(message) {
                _ = NetlinkError(operation: "list", object: "t", code: answer.code, detail: answer.detail).description
                continue
            }
            let body = try message.payload.withoutGenericHeader()
            switch message.type & 0xff {
            case 0: try table.readTable(body)
            case 3: try table.readChain(body)
            case 6: try table.readRule(body)
            case 9: try table.readSet(body)
            case 12:
                guard let set = table.sets.last else { continue }
                try elements[set.name, default: ElementReader(set.header)].read(body)
            case 18: try table.readObject(body)
            case 22: try table.readFlowtable(body)
            case _: break
            }
        }
    }

    private func readBatchAnswers(_ bytes: RawSpan) throws(MalformedMessage) {
        var messages = MessageCursor(bytes)
        while let message = try messages.next() { _ = try Answer(message) }
    }

    /// What is done with a table once it is read: a dump may hold what no policy makes.
    mutating func examine() {
        for index in table.sets.indices {
            if var reader = elements[table.sets[index].name], reader.set == table.sets[index].header {
                table.sets[index].elements = reader.elements()
            }
        }
        let observed = table.observed(generation: 0)
        for oddity in observed.oddities { _ = oddity.description }
        _ = ExpressionText.text(observed.ruleset)
        let simulation = Simulation(observed.ruleset)
        for packet in Self.packets { _ = simulation.trace(packet) }
        let desired = LinearRuleset(table: Table(name: "t"))
        let same = Difference(from: observed.ruleset, to: observed.ruleset)
        precondition(same.isEmpty || !observed.ruleset.hasDistinctNames, "a table differs from itself: \(same)")
        encode(Difference(from: observed.ruleset, to: desired))
        encode(Difference(from: nil, to: observed.ruleset))
    }

    /// libnftnl writes where it is told: ASan sees whether that is inside of the buffers.
    private func encode(_ difference: Difference) {
        // What the kernel could not take is refused.
        guard let batch = try? Batch(Transaction(table: "t", changes: difference.changes)) else { return }
        _ = try? batch.finalize().byteCount
    }
}

extension Reading {
    /// One of each kind of set: elements are read by what the set is.
    private static let headers: [NamedSet.Header] = {
        let keys: [[DataType]] =
            DataType.allCases.map { [$0] } + [
                [.ipv4Address, .inetProtocol, .inetService],
                [.interfaceName, .ipv6Address, .inetProtocol, .inetService],
            ]
        return keys.flatMap { key in
            [false, true].flatMap { isMap in
                [false, true].map { isInterval in
                    let name = key.map(\.word).joined(separator: ".") + (isMap ? " map" : "")
                    return NamedSet(
                        name: name + (isInterval ? " of intervals" : ""), key: key, isMap: isMap,
                        isInterval: isInterval, elements: .keyed([])
                    ).header
                }
            }
        }
    }()

    private static let packets: [Packet] = {
        let client = IPAddress.v4(IPv4Address(0xc000_0201))
        let server = IPAddress.v6(IPv6Address(1))
        return [BaseChain.Hook.forward, .input].flatMap { hook in
            [client, server].map { address in
                Packet(
                    hook: hook, iifname: "eth0", oifname: "docker0", source: address, destination: address,
                    transport: .tcp(source: 40_000, destination: 80, flags: .syn),
                    conntrack: .entry(
                        ConntrackEntry(
                            state: .new, direction: .original, status: [], source: address, destination: address,
                            serviceDestination: 80)))
            }
        }
    }()
}

extension LinearRuleset {
    /// The kernel has no two things of a kind by one name.
    fileprivate var hasDistinctNames: Bool {
        [counters.map(\.name), limits.map(\.name), sets.map(\.name), chains.map(\.name)].allSatisfy {
            Set($0).count == $0.count
        }
    }
}

extension NamedSet {
    fileprivate init(_ header: Header) {
        self.init(
            name: header.name, key: header.key, isMap: header.isMap, isInterval: header.isInterval,
            elements: .keyed([]))
    }
}

import Glibc

/// A probe under way.
private struct Flight {
    let probe: Probe
    private(set) var socket: Socket?
    /// What every server understands as a request for its name, a web server too.
    private var question: [UInt8] = []
    var outcome: Outcome?
    var connecting = false
    var connected = false
    var answer: [UInt8] = []
    var resends = 0

    /// Makes the socket and sends the first packet, in the calling thread's namespace.
    init(_ probe: Probe) {
        self.probe = probe
        do {
            let source = try SocketAddress(probe.source, port: probe.sourcePort)
            let destination = try SocketAddress(probe.destination, port: probe.port)
            let family = destination.family
            let isV4 = family == AF_INET
            switch probe.kind {
            case .tcp, .udp: question = Array("GET / HTTP/1.0\r\n\r\n".utf8)
            case .ping: question = [isV4 ? 8 : 128, 0, 0, 0, 0, 0, 0, 1] + Array("dnft".utf8)
            case .strayAck:
                question = RawSegment.strayAck(from: source, sourcePort, to: destination, probe.port).bytes
            case .sctp: question = RawSegment.sctpInit(sourcePort, to: probe.port).bytes
            }
            let socket =
                switch probe.kind {
                case .tcp: try Socket(family: family, type: SOCK_STREAM)
                case .udp: try Socket(family: family, type: SOCK_DGRAM)
                case .ping:
                    try Socket(
                        family: family, type: SOCK_DGRAM, protocol: Int32(isV4 ? IPPROTO_ICMP : IPPROTO_ICMPV6))
                case .strayAck: try Socket(family: family, type: SOCK_RAW, protocol: Int32(IPPROTO_TCP))
                case .sctp: try Socket(family: family, type: SOCK_RAW, protocol: Int32(IPPROTO_SCTP))
                }
            self.socket = socket
            if probe.sourcePort != 0 { try socket.set(SOL_SOCKET, SO_REUSEADDR) }
            try require(socket.bind(to: isRaw ? source.withoutPort : source), "bind \(probe.source)")
            let error = socket.connect(to: isRaw ? destination.withoutPort : destination)
            // Until it was connected the socket took what anybody sent to its port: late answers to whoever had that port before.
            if probe.kind == .udp { while case .bytes = socket.receive() {} }
            connecting = error == EINPROGRESS
            if !connecting { try require(error, "connect \(probe.destination)") }
            connected = error == 0 && probe.kind == .tcp
            if !connecting { try require(socket.send(question), "send") }
        } catch {
            socket = nil
            outcome = .notSent("\(error)")
        }
    }

    private func require(_ error: Int32, _ operation: String) throws {
        guard error == 0 else { throw BenchError(operation, errno: error) }
    }

    private var isRaw: Bool { probe.kind == .strayAck || probe.kind == .sctp }

    /// Raw probes have no kernel to choose a port for them.
    private var sourcePort: UInt16 { probe.sourcePort == 0 ? 40000 : probe.sourcePort }

    /// Something is still to come, if the test expects rightly.
    var mustSaySomething: Bool {
        switch probe.expected {
        case .answered, .refused: true
        case .connected: !connected
        case .silent, .notSent, nil: false
        }
    }

    mutating func resend() {
        guard probe.kind != .tcp, let socket else { return }
        resends += 1
        socket.send(question)
    }

    /// Reads what has come.
    mutating func advance() {
        guard let socket, outcome == nil else { return }
        if connecting {
            let error = socket.takeError()
            guard error == 0 else { return fail(error) }
            connecting = false
            connected = true
            socket.send(question)
        }
        while outcome == nil {
            switch socket.receive() {
            case .bytes(let bytes):
                answer += bytes
                switch probe.kind {
                case .ping: outcome = .answered(by: "echo")
                case .strayAck, .sctp: hear(bytes)
                case .udp: outcome = .answered(by: name)
                case .tcp: if !answer.starts(with: Array("HTTP/".utf8)) { outcome = .answered(by: name) }
                }
            case .nothingYet: return
            case .end: outcome = answer.isEmpty && probe.kind == .tcp ? .connected : .answered(by: name)
            case .failed(let error): fail(error)
            }
        }
    }

    /// A raw socket hears all that its peer says to this host: only what is for our ports counts.
    private mutating func hear(_ packet: [UInt8]) {
        // IPv4 comes with its header.
        let segment = probe.destination.contains(":") ? packet[...] : packet.dropFirst(Int(packet[0] & 0x0f) * 4)
        let ports = [probe.port >> 8, probe.port & 0xff, sourcePort >> 8, sourcePort & 0xff].map(UInt8.init)
        if segment.starts(with: ports) { outcome = .refused }
    }

    /// An error that the network reported, on this kernel always a reset or an ICMP message; ETIMEDOUT is silence.
    private mutating func fail(_ error: Int32) {
        outcome = error == ETIMEDOUT ? .silent : .refused
    }

    /// The answer without the head that a web server puts before it.
    private var name: String {
        let text = String(decoding: answer, as: UTF8.self)
        let body = text.hasPrefix("HTTP/") ? text.split(separator: "\r\n\r\n", maxSplits: 1).last.map(String.init) : nil
        return (body ?? text).trimming
    }
}

extension String {
    fileprivate var trimming: String {
        guard let start = firstIndex(where: { !$0.isWhitespace }), let end = lastIndex(where: { !$0.isWhitespace })
        else { return "" }
        return String(self[start...end])
    }
}

extension Probe {
    /// How long an expected answer is waited for: TCP repeats its SYN after 1 and 3 seconds.
    private static let patience: Duration = .seconds(5)

    /// Sends all the probes at once, and waits for what becomes of them. The outcomes are in the probes' order.
    static func runAll(_ probes: [Probe], in namespace: (Place) throws -> NetworkNamespace) throws -> [Outcome] {
        raiseDescriptorLimitOnce
        var outcomes: [Outcome] = []
        for start in stride(from: 0, to: probes.count, by: 2000) {
            let batch = Array(probes[start..<min(start + 2000, probes.count)])
            var flights: [(index: Int, flight: Flight)] = []
            for (place, indices) in Dictionary(grouping: batch.indices, by: { batch[$0].place }) {
                flights += try namespace(place).enter { indices.map { ($0, Flight(batch[$0])) } }
            }
            outcomes += settle(flights.sorted { $0.index < $1.index }.map(\.flight))
        }
        return outcomes
    }

    private static func settle(_ flights: [Flight]) -> [Outcome] {
        var flights = flights
        let start = ContinuousClock.now
        var silenceBegins = start
        var nextResend = start + .milliseconds(150)
        while true {
            let undecided = flights.indices.filter { flights[$0].outcome == nil }
            if undecided.isEmpty { break }
            let now = ContinuousClock.now
            if undecided.contains(where: { flights[$0].mustSaySomething }) { silenceBegins = now }
            for index in undecided {
                let bound =
                    flights[index].mustSaySomething
                    ? start + patience : silenceBegins + flights[index].probe.silenceBound
                if now >= bound { flights[index].outcome = flights[index].connected ? .connected : .silent }
            }
            if now >= nextResend {
                for index in undecided where flights[index].resends < (flights[index].mustSaySomething ? 5 : 1) {
                    flights[index].resend()
                }
                nextResend = now + .milliseconds(600)
            }
            let entries = undecided.compactMap { index in
                flights[index].socket.map { (descriptor: $0.descriptor, writing: flights[index].connecting) }
            }
            for ready in waitForAny(entries, until: now + .milliseconds(20)) { flights[undecided[ready]].advance() }
        }
        return flights.map { $0.outcome ?? .silent }
    }

    /// Without an expectation nobody waits patiently, so TCP is given the time for its first retransmission.
    private var silenceBound: Duration { expected == nil ? max(silence, .milliseconds(1300)) : silence }
}

private let raiseDescriptorLimitOnce: Void = {
    var limit = rlimit()
    unsafe getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
    limit.rlim_cur = limit.rlim_max
    unsafe setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
}()

import Addressing
import Foundation
import Glibc
import Synchronization

/// One thread that answers for every server of a topology, and drives its streams.
///
/// A socket stays in the namespace in which it was made, so one thread serves them all.
final class ServerLoop: Sendable {
    /// What both sides of a stream send, again and again. All beats have this length, so bytes count beats.
    static func beat(_ stream: Int) -> [UInt8] { Array("beat \(stream + 10_000_000)\n".utf8) }
    static let beatLength = beat(0).count
    private static let interval: Duration = .milliseconds(20)

    private enum Role {
        case listener(name: String, TransportProtocol)
        /// A TCP connection to one of our servers, by the stream that it turned out to be.
        case connection(name: String, stream: Int?)
        /// The client's end of a stream.
        case client(stream: Int, Stream.Talk, greeted: Bool)
    }

    private struct Endpoint {
        let socket: Socket
        var role: Role

        var stream: Int? {
            switch role {
            case .listener: nil
            case .connection(_, let stream): stream
            case .client(let stream, _, _): stream
            }
        }
    }

    /// Someone whom a UDP server keeps sending to.
    private struct Audience {
        let socket: Socket
        let origin: DatagramOrigin
        let stream: Int
    }

    /// What other threads leave for the loop, and what it leaves for them.
    private struct Mailbox {
        var arrivals: [Endpoint] = []
        var closed: Set<Int> = []
        var flows: [Int: Stream.Flow] = [:]
        /// What was sent in each direction, of which `flows` is what arrived.
        var sent: [Int: Stream.Flow] = [:]
        var hushed: Set<Int> = []
        var streams = 0
        var stopping = false
    }

    private let mailbox = Mutex(Mailbox())
    private let bell = Pipe()
    private let ended = DispatchSemaphore(value: 0)

    init() {
        Thread.detachNewThread { [self] in
            run()
            ended.signal()
        }
    }

    /// Ends the thread; the loop is not used any more after this.
    func stop() {
        mailbox.withLock { $0.stopping = true }
        ring()
        ended.wait()
    }

    func add(_ listener: Socket, name: String, transport: TransportProtocol) {
        mailbox.withLock { $0.arrivals.append(Endpoint(socket: listener, role: .listener(name: name, transport))) }
        ring()
    }

    /// Takes charge of a client's connected or connecting socket. Returns the stream's number.
    func open(_ client: Socket, _ talk: Stream.Talk) -> Int {
        let stream = mailbox.withLock { mailbox in
            mailbox.streams += 1
            let role = Role.client(stream: mailbox.streams, talk, greeted: false)
            mailbox.arrivals.append(Endpoint(socket: client, role: role))
            return mailbox.streams
        }
        ring()
        return stream
    }

    func close(stream: Int) {
        _ = mailbox.withLock { $0.closed.insert(stream) }
        ring()
    }

    func flow(of stream: Int) -> Stream.Flow { mailbox.withLock { $0.flows[stream] ?? Stream.Flow() } }

    /// Both ends say no more, and still listen.
    func hush(stream: Int) { _ = mailbox.withLock { $0.hushed.insert(stream) } }

    /// What was sent and has not arrived.
    func missing(of stream: Int) -> Stream.Flow {
        mailbox.withLock { ($0.sent[stream] ?? Stream.Flow()) - ($0.flows[stream] ?? Stream.Flow()) }
    }

    private func ring() { try? bell.fileHandleForWriting.write(contentsOf: [0]) }

    private func count(_ stream: Int, _ direction: WritableKeyPath<Stream.Flow, Int>, bytes: Int) {
        mailbox.withLock { $0.flows[stream, default: Stream.Flow()][keyPath: direction] += bytes / Self.beatLength }
    }

    /// One beat, unless the stream is hushed. Whether it left.
    private func beat(
        _ stream: Int, _ direction: WritableKeyPath<Stream.Flow, Int>, send: ([UInt8]) -> Int32
    ) -> Bool {
        mailbox.withLock { mailbox in
            guard !mailbox.hushed.contains(stream), send(Self.beat(stream)) == 0 else { return false }
            mailbox.sent[stream, default: Stream.Flow()][keyPath: direction] += 1
            return true
        }
    }

    private func run() {
        var endpoints: [Int32: Endpoint] = [:]
        var audience: [Audience] = []
        var nextBeat = ContinuousClock.now
        let bellDescriptor = bell.fileHandleForReading.fileDescriptor
        while true {
            let (arrivals, closed, stopping) = mailbox.withLock { mailbox in
                defer { mailbox.arrivals = [] }
                return (mailbox.arrivals, mailbox.closed, mailbox.stopping)
            }
            if stopping { return }
            for endpoint in arrivals { endpoints[endpoint.socket.descriptor] = endpoint }
            endpoints = endpoints.filter { !($0.value.stream.map(closed.contains) ?? false) }
            audience.removeAll { closed.contains($0.stream) }

            let streaming = !audience.isEmpty || endpoints.values.contains { $0.stream != nil }
            let watched = [bellDescriptor] + endpoints.keys
            let ready = waitForAny(
                watched.map { (descriptor: $0, writing: false) }, until: streaming ? nextBeat : nil)
            for descriptor in ready.map({ watched[$0] }) {
                guard let endpoint = endpoints[descriptor] else {
                    if descriptor == bellDescriptor { _ = bell.fileHandleForReading.availableData }
                    continue
                }
                switch endpoint.role {
                case .listener(let name, .udp):
                    answerDatagrams(endpoint.socket, name, &audience)
                case .listener(let name, _):
                    while let socket = endpoint.socket.accept() {
                        endpoints[socket.descriptor] = Endpoint(
                            socket: socket, role: .connection(name: name, stream: nil))
                    }
                case .connection(let name, let stream):
                    endpoints[descriptor] = answer(endpoint.socket, name, stream)
                case .client(let stream, _, _):
                    if case .bytes(let bytes) = endpoint.socket.receive() {
                        count(stream, \.toClient, bytes: bytes.count)
                    } else if endpoint.socket.takeError() == ECONNREFUSED {
                        endpoints[descriptor] = nil
                    }
                }
            }
            if streaming, ContinuousClock.now >= nextBeat {
                for descriptor in endpoints.keys { endpoints[descriptor].map { endpoints[descriptor] = beat($0) } }
                for listener in audience {
                    _ = beat(listener.stream, \.toClient) { listener.socket.send($0, backTo: listener.origin) }
                }
                nextBeat = ContinuousClock.now + Self.interval
            }
        }
    }

    /// Answers a connection that has asked, or notes that it is a stream. Returns what is to be watched further.
    private func answer(_ socket: Socket, _ name: String, _ stream: Int?) -> Endpoint? {
        switch socket.receive() {
        case .bytes(let bytes):
            if let stream = stream ?? Self.stream(in: bytes) {
                count(stream, \.toServer, bytes: bytes.count)
                return Endpoint(socket: socket, role: .connection(name: name, stream: stream))
            }
            socket.send(Array(name.utf8))
            return nil
        case .nothingYet: return Endpoint(socket: socket, role: .connection(name: name, stream: stream))
        case .end, .failed: return nil
        }
    }

    private func answerDatagrams(_ socket: Socket, _ name: String, _ audience: inout [Audience]) {
        while let (bytes, origin) = socket.receiveDatagram() {
            guard let stream = Self.stream(in: bytes) else {
                socket.send(Array(name.utf8), backTo: origin)
                continue
            }
            count(stream, \.toServer, bytes: bytes.count)
            // A proxy that begins anew comes from another port.
            audience.removeAll { $0.stream == stream }
            audience.append(Audience(socket: socket, origin: origin, stream: stream))
        }
    }

    /// Sends what is due at one end of a stream.
    private func beat(_ endpoint: Endpoint) -> Endpoint {
        var endpoint = endpoint
        switch endpoint.role {
        case .listener, .connection(_, nil): break
        case .connection(_, let stream?):
            _ = beat(stream, \.toClient) { endpoint.socket.send($0) }
        case .client(let stream, let talk, let greeted):
            if talk == .bothWays || !greeted {
                // Before the handshake is done there is nothing to write to.
                let sent = beat(stream, \.toServer) { endpoint.socket.send($0) }
                endpoint.role = .client(stream: stream, talk, greeted: greeted || sent)
            }
        }
        return endpoint
    }

    private static func stream(in bytes: [UInt8]) -> Int? {
        let line = String(decoding: bytes.prefix(beatLength), as: UTF8.self)
        guard line.hasPrefix("beat "), let number = Int(line.dropFirst(5).prefix(8)) else { return nil }
        return number - 10_000_000
    }
}

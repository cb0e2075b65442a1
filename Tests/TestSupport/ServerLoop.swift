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
        var sent: [Int: Stream.Flow] = [:]
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

    /// What was sent and has not arrived, or not yet.
    func missing(of stream: Int) -> Stream.Flow {
        mailbox.withLock { ($0.sent[stream] ?? .none) - ($0.flows[stream] ?? .none) }
    }

    private func ring() { try? bell.fileHandleForWriting.write(contentsOf: [0]) }

    private func count(_ stream: Int, _ direction: WritableKeyPath<Stream.Flow, Int>, bytes: Int) {
        mailbox.withLock { $0.flows[stream, default: Stream.Flow()][keyPath: direction] += bytes / Self.beatLength }
    }

    private func countSent(_ stream: Int, _ direction: WritableKeyPath<Stream.Flow, Int>) {
        mailbox.withLock { $0.sent[stream, default: Stream.Flow()][keyPath: direction] += 1 }
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
                for listener in audience
                where listener.socket.send(Self.beat(listener.stream), backTo: listener.origin) == 0 {
                    countSent(listener.stream, \.toClient)
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
            if !audience.contains(where: { $0.stream == stream }) {
                audience.append(Audience(socket: socket, origin: origin, stream: stream))
            }
        }
    }

    /// Sends what is due at one end of a stream.
    private func beat(_ endpoint: Endpoint) -> Endpoint {
        var endpoint = endpoint
        switch endpoint.role {
        case .listener, .connection(_, nil): break
        case .connection(_, let stream?):
            if endpoint.socket.send(Self.beat(stream)) == 0 { countSent(stream, \.toClient) }
        case .client(let stream, let talk, let greeted):
            if talk == .bothWays || !greeted {
                // Before the handshake is done there is nothing to write to.
                let sent = endpoint.socket.send(Self.beat(stream)) == 0
                if sent { countSent(stream, \.toServer) }
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

internal import FoundationEssentials
internal import NIOCore
internal import NIOHTTP1
internal import NIOPosix

extension DockerSocket {
    /// What happens, from now on: it ends with an error when the connection ends, and never without one. While nothing happens nothing runs.
    ///
    /// Every event means the same: ask for the inventory again. Hence a slow reader loses the oldest of many, and nothing by it.
    public func events() -> AsyncThrowingStream<DockerEvent, any Error> {
        AsyncThrowingStream(bufferingPolicy: .bufferingNewest(1024)) { continuation in
            let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
            // Closes the connection, too, when the reader goes away.
            continuation.onTermination = { _ in group.shutdownGracefully { _ in } }
            let loop = group.next()
            // What happens before the engine has read our request is told after it.
            let since = Date().timeIntervalSince1970
            Engine.negotiate(self, on: loop).flatMap { engine in
                let request = engine.request("/events?since=\(Self.text(since))&filters=\(Self.filters)")
                return request.connect(on: loop) { EventFeed(request, continuation) }
            }.whenFailure { continuation.finish(throwing: $0) }
        }
    }

    /// Seconds and nanoseconds, as the API wants them.
    private static func text(_ time: Double) -> String {
        let nanoseconds = String(Int64(time * 1e9) % 1_000_000_000)
        return "\(Int64(time))." + String(repeating: "0", count: 9 - nanoseconds.count) + nanoseconds
    }

    /// JSON, percent-encoded.
    private static var filters: String {
        let lists = [("type", DockerEvent.subjects.keys.sorted()), ("event", DockerEvent.actions)]
        let json = lists.map { key, words in
            "\"\(key)\":[" + words.map { "\"\($0)\"" }.joined(separator: ",") + "]"
        }.joined(separator: ",")
        return "{\(json)}".utf8.map { byte in
            let character = Character(UnicodeScalar(byte))
            if character.isLetter || character == "_" { return String(character) }
            let digits = String(byte, radix: 16, uppercase: true)
            return "%" + (digits.count == 1 ? "0" : "") + digits
        }.joined()
    }
}

/// Reads a stream of events that has no end.
final class EventFeed: ChannelInboundHandler {
    typealias InboundIn = HTTPClientResponsePart
    typealias OutboundOut = HTTPClientRequestPart

    private let request: Request
    private let continuation: AsyncThrowingStream<DockerEvent, any Error>.Continuation
    private var splitter: ObjectSplitter
    /// Of an answer that is no stream.
    private var refusal: (head: HTTPResponseHead, body: ByteBuffer)?
    private var timeout: Scheduled<Void>?

    init(_ request: Request, _ continuation: AsyncThrowingStream<DockerEvent, any Error>.Continuation) {
        self.request = request
        self.continuation = continuation
        splitter = ObjectSplitter(limit: request.socket.limits.eventBytes)
    }

    func channelActive(context: ChannelHandlerContext) {
        context.write(wrapOutboundOut(.head(request.head)), promise: nil)
        context.writeAndFlush(wrapOutboundOut(.end(nil)), promise: nil)
        let (request, continuation) = (request, continuation)
        timeout = context.eventLoop.scheduleTask(in: TimeAmount(request.socket.limits.answer)) {
            continuation.finish(throwing: request.error(.answerTimeout(request: request.name)))
        }
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        switch unwrapInboundIn(data) {
        case .head(let head):
            timeout?.cancel()
            if head.status.code == 200 {
                continuation.yield(DockerEvent(subject: .subscription))
            } else {
                refusal = (head, ByteBuffer())
            }
        case .body(let part):
            if refusal != nil, refusal?.body.readableBytes ?? 0 < request.socket.limits.eventBytes {
                refusal?.body.writeImmutableBuffer(part)
            } else if refusal == nil {
                read(part)
            }
        case .end:
            end()
        }
    }

    private func read(_ part: ByteBuffer) {
        do throws(ObjectSplitter.Failure) {
            for object in try splitter.take(part.readableBytesView) { yield(object) }
        } catch {
            let problem: DockerError.Problem =
                switch error {
                case .tooLarge: .tooLarge(request: request.name, limit: request.socket.limits.eventBytes)
                case .notAnObject: .malformed(request: request.name, field: "an event", expected: "a JSON object")
                }
            continuation.finish(throwing: request.error(problem))
        }
    }

    private func yield(_ object: [UInt8]) {
        do throws(DockerError) {
            let event = try request.decode(StreamedEvent.self, from: object)
            if let event = DockerEvent(event) { continuation.yield(event) }
        } catch {
            continuation.finish(throwing: error)
        }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        continuation.finish(throwing: request.error(error))
    }

    func channelInactive(context: ChannelHandlerContext) { end() }

    private func end() {
        timeout?.cancel()
        let error = refusal.map { request.statusError($0.head, body: Array($0.body.readableBytesView)) }
        continuation.finish(throwing: error ?? request.error(.closed(request: request.name)))
    }
}

private struct StreamedEvent: Decodable {
    var type: String
    var action: String
    var actor: Actor?

    struct Actor: Decodable {
        var id: String?
        var attributes: [String: String]?

        enum CodingKeys: String, CodingKey {
            case id = "ID"
            case attributes = "Attributes"
        }
    }

    enum CodingKeys: String, CodingKey {
        case type = "Type"
        case action = "Action"
        case actor = "Actor"
    }
}

extension DockerEvent {
    /// Nil for one that no filter of ours lets through.
    fileprivate init?(_ event: StreamedEvent) {
        guard let subject = Self.subjects[event.type] else { return nil }
        let id = event.actor?.id ?? ""
        let attributes = event.actor?.attributes ?? [:]
        self.init(
            subject: subject, action: event.action, id: id, name: attributes["name"] ?? "",
            container: subject == .container ? id : attributes["container"])
    }
}

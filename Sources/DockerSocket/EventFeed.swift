internal import FoundationEssentials
internal import NIOCore
internal import NIOHTTP1
internal import NIOPosix

extension DockerSocket {
    /// How it ended to follow an engine.
    public struct End: Sendable {
        public var error: DockerError
        /// Whether it had told anything before.
        public var hadBegun: Bool
    }

    /// Tells what happens, from now on, for as long as the connection lasts. Blocks; while nothing happens nothing runs.
    ///
    /// Every event means the same: ask for the inventory again. It is told on the thread of the connection, which is to be left
    /// again at once.
    public func follow(_ hear: @escaping @Sendable (DockerEvent) -> Void) -> End {
        let loop = Self.group.next()
        let end = loop.makePromise(of: End.self)
        // What happens before the engine has read our request is told after it.
        let since = Date().timeIntervalSince1970
        Engine.negotiate(self, on: loop).flatMap { engine in
            let request = engine.request("/events?since=\(Self.text(since))&filters=\(Self.filters)")
            return request.connect(on: loop) { EventFeed(request, end, hear) }
        }.whenFailure { error in
            end.succeed(
                End(error: error as? DockerError ?? .init(path, .connection(reason: "\(error)")), hadBegun: false))
        }
        do {
            return try end.futureResult.wait()
        } catch {
            return End(error: DockerError(path, .connection(reason: "\(error)")), hadBegun: false)
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
    private let hear: @Sendable (DockerEvent) -> Void
    private let ended: EventLoopPromise<DockerSocket.End>
    private var hasBegun = false
    private var splitter: ObjectSplitter
    /// Of an answer that is no stream.
    private var refusal: (head: HTTPResponseHead, body: ByteBuffer)?
    private var timeout: Scheduled<Void>?

    init(
        _ request: Request, _ ended: EventLoopPromise<DockerSocket.End>,
        _ hear: @escaping @Sendable (DockerEvent) -> Void
    ) {
        self.request = request
        self.ended = ended
        self.hear = hear
        splitter = ObjectSplitter(limit: request.socket.limits.eventBytes)
    }

    func channelActive(context: ChannelHandlerContext) {
        context.write(wrapOutboundOut(.head(request.head)), promise: nil)
        context.writeAndFlush(wrapOutboundOut(.end(nil)), promise: nil)
        let (request, ended, channel) = (request, ended, context.channel)
        timeout = context.eventLoop.scheduleTask(in: TimeAmount(request.socket.limits.answer)) {
            ended.succeed(.init(error: request.error(.answerTimeout(request: request.name)), hadBegun: false))
            channel.close(promise: nil)
        }
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        switch unwrapInboundIn(data) {
        case .head(let head):
            timeout?.cancel()
            if head.status.code == 200 {
                hasBegun = true
                hear(DockerEvent(subject: .subscription))
            } else {
                refusal = (head, ByteBuffer())
            }
        case .body(let part):
            if refusal != nil, refusal?.body.readableBytes ?? 0 < request.socket.limits.eventBytes {
                refusal?.body.writeImmutableBuffer(part)
            } else if refusal == nil {
                read(part, context)
            }
        case .end:
            end(context, for: nil)
        }
    }

    private func read(_ part: ByteBuffer, _ context: ChannelHandlerContext) {
        do throws(ObjectSplitter.Failure) {
            for object in try splitter.take(part.readableBytesView) { tell(object, context) }
        } catch {
            let problem: DockerError.Problem =
                switch error {
                case .tooLarge: .tooLarge(request: request.name, limit: request.socket.limits.eventBytes)
                case .notAnObject: .malformed(request: request.name, field: "an event", expected: "a JSON object")
                }
            end(context, for: request.error(problem))
        }
    }

    private func tell(_ object: [UInt8], _ context: ChannelHandlerContext) {
        do throws(DockerError) {
            if let event = DockerEvent(try request.decode(StreamedEvent.self, from: object)) { hear(event) }
        } catch {
            end(context, for: error)
        }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        end(context, for: request.error(error))
    }

    func channelInactive(context: ChannelHandlerContext) { end(context, for: nil) }

    /// Only the first reason counts.
    private func end(_ context: ChannelHandlerContext, for reason: DockerError?) {
        timeout?.cancel()
        let refused = refusal.map { request.statusError($0.head, body: Array($0.body.readableBytesView)) }
        ended.succeed(
            .init(error: reason ?? refused ?? request.error(.closed(request: request.name)), hadBegun: hasBegun))
        context.close(promise: nil)
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

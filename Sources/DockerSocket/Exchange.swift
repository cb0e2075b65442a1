internal import NIOCore
internal import NIOHTTP1

struct Answer: Sendable {
    var head: HTTPResponseHead
    var body: ByteBuffer
}

/// One request on a connection of its own, and its answer.
final class Exchange: ChannelInboundHandler {
    typealias InboundIn = HTTPClientResponsePart
    typealias OutboundOut = HTTPClientRequestPart

    private let request: Request
    private let promise: EventLoopPromise<Answer>
    private var answer: Answer?

    init(_ request: Request, _ promise: EventLoopPromise<Answer>) {
        self.request = request
        self.promise = promise
    }

    func channelActive(context: ChannelHandlerContext) {
        context.write(wrapOutboundOut(.head(request.head)), promise: nil)
        context.writeAndFlush(wrapOutboundOut(.end(nil)), promise: nil)
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        switch unwrapInboundIn(data) {
        case .head(let head):
            answer = Answer(head: head, body: ByteBuffer())
        case .body(let part):
            answer?.body.writeImmutableBuffer(part)
            let limit = request.socket.limits.bodyBytes
            guard let answer, answer.body.readableBytes > limit else { return }
            fail(context, request.error(.tooLarge(request: request.name, limit: limit)))
        case .end:
            if let answer { promise.succeed(answer) }
            context.close(promise: nil)
        }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        fail(context, request.error(error))
    }

    func channelInactive(context: ChannelHandlerContext) {
        promise.fail(request.error(.closed(request: request.name)))
    }

    private func fail(_ context: ChannelHandlerContext, _ error: DockerError) {
        promise.fail(error)
        context.close(promise: nil)
    }
}

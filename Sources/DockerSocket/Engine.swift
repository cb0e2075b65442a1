internal import Docker
internal import FoundationEssentials
internal import NIOCore
internal import NIOHTTP1

/// `1.41`
struct APIVersion: Comparable, Sendable {
    var major: Int
    var minor: Int

    /// The newest whose answers we know, that of Docker 29. An engine is never asked for one that it does not have.
    static let newest = APIVersion(major: 1, minor: 52)

    init(major: Int, minor: Int) {
        self.major = major
        self.minor = minor
    }

    init?(_ text: String) {
        let parts = text.split(separator: ".", omittingEmptySubsequences: false)
        guard parts.count == 2, let major = Int(parts[0]), let minor = Int(parts[1]), major >= 0, minor >= 0 else {
            return nil
        }
        self.init(major: major, minor: minor)
    }

    static func < (left: Self, right: Self) -> Bool { (left.major, left.minor) < (right.major, right.minor) }
}

/// An engine that has said which version of the API it speaks.
struct Engine: Sendable {
    let socket: DockerSocket
    let loop: any EventLoop
    let version: APIVersion
    /// Podman fills fields of lists with what is not so.
    let isPodman: Bool

    /// The one request without a version in its path: an engine refuses those that are too old for it, 29 all before 1.44.
    static func negotiate(_ socket: DockerSocket, on loop: any EventLoop) -> EventLoopFuture<Engine> {
        let request = Request(socket: socket, uri: "/_ping")
        return request.send(on: loop).flatMapThrowing { answer in
            try request.checkStatus(of: answer)
            guard let text = answer.head.headers.first(name: "Api-Version"), let theirs = APIVersion(text) else {
                throw request.error(
                    .malformed(request: request.name, field: "header Api-Version", expected: "a version as 1.41"))
            }
            return Engine(
                socket: socket, loop: loop, version: min(theirs, .newest),
                isPodman: answer.head.headers.contains(name: "Libpod-API-Version"))
        }
    }

    func request(_ path: String) -> Request {
        Request(socket: socket, uri: "/v\(version.major).\(version.minor)\(path)")
    }

    /// Of Podman's own API, as it is since 4.0.
    func libpodRequest(_ path: String) -> Request { Request(socket: socket, uri: "/v4.0.0/libpod\(path)") }

    /// Blocks.
    func get<Value: Decodable & Sendable>(_ path: String, as type: Value.Type) throws -> Value {
        try get(request(path), as: type)
    }

    /// Blocks.
    func get<Value: Decodable & Sendable>(_ request: Request, as type: Value.Type) throws -> Value {
        let answer = try request.send(on: loop).wait()
        try request.checkStatus(of: answer)
        return try request.decode(type, from: Array(answer.body.readableBytesView))
    }
}

extension Request {
    func checkStatus(of answer: Answer) throws(DockerError) {
        guard answer.head.status.code != 200 else { return }
        throw statusError(answer.head, body: Array(answer.body.readableBytesView))
    }

    func statusError(_ head: HTTPResponseHead, body: [UInt8]) -> DockerError {
        let said = (try? JSONDecoder().decode(EngineMessage.self, from: Data(body)))?.message
        let message = said ?? String(decoding: body.prefix(200), as: UTF8.self)
        return error(.status(request: name, code: Int(head.status.code), message: message))
    }

    func decode<Value: Decodable>(_ type: Value.Type, from body: [UInt8]) throws(DockerError) -> Value {
        do {
            return try JSONDecoder().decode(type, from: Data(body))
        } catch DecodingError.keyNotFound(let key, let context) {
            throw malformed(context.codingPath + [key], expected: "it to be there")
        } catch DecodingError.typeMismatch(let type, let context) {
            throw malformed(context.codingPath, expected: "\(type)")
        } catch DecodingError.valueNotFound(let type, let context) {
            throw malformed(context.codingPath, expected: "\(type), not null")
        } catch DecodingError.dataCorrupted(let context) {
            throw malformed(
                context.codingPath, expected: context.codingPath.isEmpty ? "JSON" : context.debugDescription)
        } catch {
            throw malformed([], expected: "JSON, but \(error)")
        }
    }

    private func malformed(_ path: [any CodingKey], expected: String) -> DockerError {
        let field = path.reduce(into: "") { text, key in
            if let index = key.intValue {
                text += "[\(index)]"
            } else {
                text += (text.isEmpty ? "" : ".") + key.stringValue
            }
        }
        return error(.malformed(request: name, field: field.isEmpty ? "the whole" : field, expected: expected))
    }
}

private struct EngineMessage: Decodable {
    var message: String
}

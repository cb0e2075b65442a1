import Docker
import DockerSocket
import Foundation
import Testing

@Suite struct `An engine that does not answer as it should` {
    static let hasty = DockerSocket.Limits(
        connect: .seconds(2), answer: .milliseconds(200), bodyBytes: 4096, eventBytes: 512)

    /// The problem, in its own words.
    private func problem(_ replies: [String: ScriptedEngine.Reply]) async throws -> DockerError.Problem? {
        try await ScriptedEngine.with(replies) { engine in
            do throws(DockerError) {
                _ = try DockerSocket(path: engine.path, limits: Self.hasty).inventory()
                return nil
            } catch {
                #expect("\(error)".contains(engine.path))
                return error.problem
            }
        }
    }

    @Test func `is told apart by what it does`() async throws {
        let list = "/v1.41/containers/json"
        func after(_ reply: ScriptedEngine.Reply) async throws -> DockerError.Problem? {
            try await problem(["/_ping": ScriptedEngine.ping("1.41"), list: reply])
        }
        let request = "GET \(list)"
        #expect(try await problem(["/_ping": .silence]) == .answerTimeout(request: "GET /_ping"))
        #expect(try await after(.silence) == .answerTimeout(request: request))
        #expect(
            try await after(ScriptedEngine.json("{\"message\":\"no room\"}", status: "500 Internal Server Error"))
                == .status(request: request, code: 500, message: "no room"))
        #expect(
            try await after(ScriptedEngine.json("{\"message\":\"client version 1.41 is too old\"}", status: "400 Bad"))
                == .status(request: request, code: 400, message: "client version 1.41 is too old"))
        #expect(
            try await after(ScriptedEngine.json("[{\"Id\":"))
                == .malformed(request: request, field: "the whole", expected: "JSON"))
        #expect(
            try await after(
                ScriptedEngine.json(
                    "[{\"Id\":\"a\"},{\"Id\":\"b\",\"Ports\":[{\"IP\":\"x\",\"PrivatePort\":1,\"Type\":\"tcp\"}]}]"))
                == .malformed(request: request, field: "[1].Ports[0].IP", expected: "an address, not “x”"))
        #expect(
            try await after(ScriptedEngine.json("[{\"Names\":[]}]"))
                == .malformed(request: request, field: "[0].Id", expected: "it to be there"))
        #expect(
            try await after(ScriptedEngine.json(String(repeating: " ", count: 5000)))
                == .tooLarge(request: request, limit: 4096))
        #expect(
            try await after(.answer("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n[")) == .closed(request: request))
        #expect(try await after(.answer("")) == .closed(request: request))
        #expect(
            try await problem(["/_ping": ScriptedEngine.json("OK")])
                == .malformed(request: "GET /_ping", field: "header Api-Version", expected: "a version as 1.41"))
    }

    @Test func `is not there, or is no socket`() throws {
        let path = "\(FileManager.default.temporaryDirectory.path)/no-socket-\(UUID().uuidString.prefix(8))"
        func problem(_ path: String) -> DockerError.Problem? {
            do throws(DockerError) {
                _ = try DockerSocket(path: path).inventory()
                return nil
            } catch { return error.problem }
        }
        #expect(problem(path) == .noSocket)
        try "".write(toFile: path, atomically: false, encoding: .utf8)
        defer { try? FileManager.default.removeItem(atPath: path) }
        #expect(problem(path) == .notASocket)
        #expect(problem("\(path)/below") == .noSocket)
    }

    @Test func `is named by a path alone`() throws {
        #expect(try DockerChoice("auto") == .auto)
        #expect(try DockerChoice("none") == DockerChoice.none)
        #expect(try DockerChoice("unix:///a/b") == .socket("/a/b"))
        #expect(try DockerChoice("/a/b") == .socket("/a/b"))
        for text in ["tcp://192.0.2.1:2375", "ssh://host", "npipe:////./pipe/docker", "docker.sock", "", "unix://a"] {
            #expect(throws: DockerError(text, .unspoken(address: text))) { try DockerChoice(text) }
        }
    }
}

@Suite struct `A stream of events` {
    static let event = """
        {"Type":"network","Action":"connect","Actor":{"ID":"n1","Attributes":{"container":"c1","name":"a}\\"{"}}}
        """

    private func read(_ pieces: [String]) async throws -> ([DockerEvent], DockerError.Problem?) {
        let head = "HTTP/1.1 200 OK\r\n\r\n"
        return try await ScriptedEngine.with(
            ["/_ping": ScriptedEngine.ping("1.44"), "/v1.44/events": .pieces([head] + pieces)]
        ) { engine in
            var events: [DockerEvent] = []
            do {
                let socket = DockerSocket(
                    path: engine.path, limits: `An engine that does not answer as it should`.hasty)
                for try await event in socket.events() { events.append(event) }
                return (events, nil)
            } catch {
                return (events, (error as? DockerError)?.problem)
            }
        }
    }

    @Test func `is cut at the borders of its objects, however it comes`() async throws {
        let connect = DockerEvent(subject: .network, action: "connect", id: "n1", name: "a}\"{", container: "c1")
        #expect(connect.starting == "c1")
        let expected = [DockerEvent(subject: .subscription), connect, connect]
        let closed = DockerError.Problem.closed(request: "GET /v1.44/events")
        for pieces in [
            [Self.event + Self.event], [Self.event + "\n", Self.event], (Self.event + Self.event).map { String($0) },
        ] {
            let (events, problem) = try await read(pieces)
            #expect(events == expected)
            #expect(problem == closed)
        }
    }

    @Test func `ends with an error that says why`() async throws {
        let request = "GET /v1.44/events"
        #expect(try await read(["{\"Type\":"]).1 == .closed(request: request))
        #expect(try await read(["[1]"]).1 == .malformed(request: request, field: "an event", expected: "a JSON object"))
        #expect(try await read(["{}"]).1 == .malformed(request: request, field: "Type", expected: "it to be there"))
        #expect(
            try await read(["{\"" + String(repeating: "a", count: 600)]).1 == .tooLarge(request: request, limit: 512))
    }
}

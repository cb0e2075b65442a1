import Foundation
import TestSupport

/// Somebody who knocks at a port over both families every ten milliseconds, and notes what comes back. (Python, for a knock must not
/// wait for the one before it.)
struct Knocking {
    struct Result: Decodable {
        /// Knocks that somebody took, of all.
        var taken: Int
        var all: Int
        /// From the first to the last that was taken, in milliseconds.
        var gap: Double
        /// Bytes that came from behind.
        var answers: Int
        /// Of those after the last that was taken.
        var silentAfter: Int
    }

    private static let script = """
        import json, select, socket, sys, time
        targets = [("v4", socket.AF_INET, "192.0.2.1"), ("v6", socket.AF_INET6, "2001:db8:1::1")]
        port, stop, flights = int(sys.argv[1]), float(sys.argv[2]), []
        start = time.monotonic()
        def look():
            for flight in flights:
                if flight["over"]: continue
                try:
                    if not flight["taken"]:
                        flight["socket"].getpeername()
                        if flight["socket"].getsockopt(socket.SOL_SOCKET, socket.SO_ERROR): raise OSError
                        flight["taken"] = True
                        flight["socket"].send(b"GET / HTTP/1.0\\r\\n\\r\\n")
                    flight["bytes"] += len(flight["socket"].recv(4096))
                except BlockingIOError: pass
                except OSError:
                    error = flight["socket"].getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
                    if error or flight["taken"]: flight["over"] = True
        while time.monotonic() - start < stop:
            for name, family, address in targets:
                knock = socket.socket(family, socket.SOCK_STREAM)
                knock.setblocking(False)
                flights.append(dict(name=name, at=time.monotonic() - start, socket=knock, taken=False, over=False, bytes=0))
                knock.connect_ex((address, port))
            time.sleep(0.01)
            look()
        time.sleep(0.5)
        look()
        result = {}
        for name, _, _ in targets:
            mine = [flight for flight in flights if flight["name"] == name]
            taken = [flight["at"] for flight in mine if flight["taken"]]
            result[name] = dict(
                taken=len(taken), all=len(mine), gap=(taken[-1] - taken[0]) * 1000 if taken else 0,
                answers=sum(flight["bytes"] for flight in mine),
                silentAfter=len([1 for flight in mine if not taken or flight["at"] > taken[-1]]))
        print(json.dumps(result))
        """

    private let program: RunningProgram

    /// From the client, for so many seconds.
    static func start(_ host: DockerHost, port: UInt16, seconds: Double) throws -> Knocking {
        let program = try host.client.enter {
            try Program(["python3", "-c", script, String(port), String(seconds)]).launch()
        }
        return Knocking(program: program)
    }

    func results() throws -> [String: Result] {
        let output = try program.end().orThrow()
        return try JSONDecoder().decode([String: Result].self, from: Data(output.utf8))
    }
}

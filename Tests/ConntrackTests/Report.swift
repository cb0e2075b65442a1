import Foundation
import TestSupport

/// What `diff --json` and `apply --json` say of connections.
struct Report: Decodable {
    struct Connection: Decodable, Hashable {
        var `protocol`: String
        var client: String
        var dialled: String
        var server: String
        var services: String?
        var age: UInt64?

        /// Without the port, which the kernel has chosen: `tcp 203.0.113.7 > 192.0.2.1:8081`.
        var text: String {
            let end = client.lastIndex(of: ":") ?? client.endIndex
            return "\(`protocol`) \(client[..<end].filter { !"[]".contains($0) }) > \(dialled)"
        }
    }

    var connections: [Connection]?
    var connectionsUnknown: String?
    var connectionsDoubtful: Int?

    static func of(_ installation: Installation, _ command: String, _ options: String...) throws -> Self {
        let result = try installation.program(command, ["--json"] + options).run()
        return try JSONDecoder().decode(Self.self, from: Data(result.output.utf8))
    }
}

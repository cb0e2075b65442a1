internal import FoundationEssentials
internal import Nftables

/// What is in force, as `dockernft status` says it.
public struct Status: Sendable, Encodable {
    public struct Tally: Sendable, Encodable {
        public var packets: UInt64
        public var bytes: UInt64

        public init(packets: UInt64, bytes: UInt64) {
            self.packets = packets
            self.bytes = bytes
        }
    }

    public struct Service: Sendable, Encodable {
        public var name: String
        public var ports: [String]
        /// Set names and addresses that its rules let in, `anyone`, or nothing.
        public var sources: [String]
        public var allowed: Tally
        public var refused: Tally

        public init(name: String, ports: [String], sources: [String], allowed: Tally, refused: Tally) {
            self.name = name
            self.ports = ports
            self.sources = sources
            self.allowed = allowed
            self.refused = refused
        }
    }

    /// A policy that was applied for a time only.
    public struct Waiting: Sendable, Encodable {
        public var digest: String?
        public var policyPath: String?
        /// In seconds; absent when the time is up.
        public var remaining: UInt64?
        private let words: String?
        private let hadTable: Bool

        private enum CodingKeys: CodingKey {
            case digest
            case policyPath
            case remaining
        }

        public init(
            digest: String?, policyPath: String?, remaining: (seconds: UInt64, words: String)?, hadTable: Bool
        ) {
            self.digest = digest
            self.policyPath = policyPath
            self.remaining = remaining?.seconds
            words = remaining?.words
            self.hadTable = hadTable
        }

        var text: String {
            let name = policyPath ?? "a policy"
            guard let words else {
                return
                    "the time of \(name) is up and the rules of before are in force; what is left of it goes with the next "
                    + "apply, confirm, rollback or remove"
            }
            return
                "\(name) is in force for \(words) more, and then \(hadTable ? "the rules of before are" : "no rules of ours are"); "
                + "'dockernft confirm' keeps it, 'dockernft rollback' takes it back"
        }
    }

    public enum Integrity: String, Sendable, Encodable {
        /// The kernel's table is what was applied.
        case intact
        /// Somebody has changed it since.
        case changed
    }

    /// By what ports that no service names are closed where docker-proxy serves them on the host itself.
    public struct DockerProxy: Sendable, Encodable {
        public enum Protection: String, Sendable, Encodable {
            /// `host: otherwise: drop`: whatever is published, at once.
            case host
            /// Whatever docker-proxy serves, known by its control group until Docker is restarted.
            case controlGroup
            /// What Docker published at the last apply.
            case inventory
            /// Docker was not asked, and nothing else closes them.
            case none
            /// `unlisted: accept`
            case accepted
        }

        public var protection: Protection
        /// Docker's published ports that are closed by what is known of them.
        public var closedPorts: Int

        public init(protection: Protection, closedPorts: Int) {
            self.protection = protection
            self.closedPorts = closedPorts
        }

        fileprivate var text: String {
            let ports = "\(closedPorts) unlisted port\(closedPorts == 1 ? "" : "s")"
            return switch protection {
            case .host: "what docker-proxy serves unlisted is closed (host: otherwise: drop)"
            case .controlGroup:
                "what docker-proxy serves unlisted is closed (by its control group, until Docker restarts)"
            case .inventory: "what docker-proxy serves unlisted is closed as Docker had it at the last apply: \(ports)"
            case .none: "what docker-proxy serves unlisted is OPEN: Docker was not asked, and the host is not closed"
            case .accepted: "what docker-proxy serves unlisted is open (unlisted: accept)"
            }
        }
    }

    /// A network whose containers share an interface with the host, or an interface that is guarded for one.
    public struct Wire: Sendable, Encodable {
        public enum Protection: String, Sendable, Encodable {
            case guarded
            /// A rule is there and waits for its interface, which was renamed or is gone.
            case parentIsAbsent
            /// Docker names no interface that the containers share.
            case noParent
            /// No rule is there: the interface is trusted by the policy, or was not there at the last apply.
            case none
        }

        /// Nil where Docker had none at the last apply.
        public var network: String?
        public var parent: String?
        public var protection: Protection

        public init(network: String?, parent: String?, protection: Protection) {
            self.network = network
            self.parent = parent
            self.protection = protection
        }

        fileprivate var text: String {
            let name = network.map { "containers on \($0) " } ?? "containers "
            let parent = parent ?? "-"
            return switch protection {
            case .guarded: name + "are guarded where packets come in by \(parent)"
            case .parentIsAbsent: name + "are NOT guarded: there is no interface \(parent); apply again"
            case .noParent: name + "are NOT guarded: Docker names no parent interface"
            case .none:
                name + "are NOT guarded: no rule is at \(parent), which is trusted or was not there at the last apply"
            }
        }
    }

    /// Of this document.
    public var version = 1
    public var integrity: Integrity
    public var digest: String?
    public var policyPath: String?
    /// RFC 3339, in UTC.
    public var appliedAt: String?
    public var dockerProxy: DockerProxy
    public var onTheWire: [Wire]
    /// The process of `dockernft watch` that keeps it so.
    public var watcher: Int32?
    public var services: [Service]
    /// What no service covers, and what is refused for another reason, by counter.
    public var others: [String: Tally]
    /// The policy that waits to be confirmed, or what is left of one.
    public var waiting: Waiting?
    /// What is in the table that no policy writes.
    public var oddities: [String]

    public init(
        integrity: Integrity, digest: String?, policyPath: String?, appliedAt: String?, dockerProxy: DockerProxy,
        onTheWire: [Wire], services: [Service], others: [String: Tally], oddities: [String]
    ) {
        self.integrity = integrity
        self.digest = digest
        self.policyPath = policyPath
        self.appliedAt = appliedAt
        self.dockerProxy = dockerProxy
        self.onTheWire = onTheWire
        self.services = services
        self.others = others
        self.oddities = oddities
    }

    public func json() throws -> String { try JSONText.encode(self) }

    public var text: String {
        var lines: [String] = []
        switch integrity {
        case .intact: lines.append("table inet dockernft is in force, as it was applied")
        case .changed:
            lines.append("table inet dockernft is in force, but somebody has changed it since it was applied")
        }
        if let policyPath { lines.append("policy   \(policyPath)") }
        if let appliedAt { lines.append("applied  \(appliedAt)") }
        if let digest { lines.append("digest   \(digest)") }
        lines.append("watched  \(watcher.map { "by process \($0)" } ?? "by nobody")")
        lines.append("proxy    \(dockerProxy.text)")
        for wire in onTheWire { lines.append("on wire  \(wire.text)") }
        if let waiting { lines.append("waiting  \(waiting.text)") }
        for oddity in oddities { lines.append("not ours \(oddity)") }
        lines.append("")
        let header = ["SERVICE", "PORTS", "SOURCES", "ALLOWED", "REFUSED"]
        let rows = services.map { service in
            [
                service.name, service.ports.isEmpty ? "-" : service.ports.joined(separator: " "),
                service.sources.isEmpty ? "nobody" : service.sources.joined(separator: " "),
                Self.text(service.allowed), Self.text(service.refused),
            ]
        }
        lines += TextTable.lines([header] + rows)
        if !others.isEmpty {
            lines.append("")
            lines += TextTable.lines(
                [["OTHERWISE", "PACKETS"]] + others.sorted { $0.key < $1.key }.map { [$0.key, Self.text($0.value)] })
        }
        return lines.joined(separator: "\n")
    }

    private static func text(_ tally: Tally) -> String { "\(tally.packets) (\(size(tally.bytes)))" }

    /// In binary multiples (IEC 80000-13).
    private static func size(_ bytes: UInt64) -> String {
        var value = bytes
        for unit in ["B", "KiB", "MiB", "GiB"] {
            if value < 10240 { return "\(value) \(unit)" }
            value /= 1024
        }
        return "\(value) TiB"
    }
}

enum TextTable {
    /// Columns as wide as their widest cell, the last one as it is.
    static func lines(_ rows: [[String]]) -> [String] {
        let columns = rows.map(\.count).max() ?? 0
        let widths = (0..<columns).map { column in
            rows.map { column < $0.count ? $0[column].count : 0 }.max() ?? 0
        }
        return rows.map { row in
            row.indices.map { column in
                column == row.count - 1
                    ? row[column] : row[column] + String(repeating: " ", count: widths[column] - row[column].count)
            }.joined(separator: "  ")
        }
    }
}

internal import Addressing
internal import Diagnostics
internal import YAML

/// A service of the host, and where its ports were written.
struct BoundHostService {
    var service: HostService
    var ports: [PlacedPorts]
    var allowSpan: Span
}

extension Binder {
    private static let hostServiceKeys = KeyTable(
        ["port", "icmp", "allow", "except"],
        meanings: [
            "publish": "port", "ports": "port", "from": "allow", "source": "allow", "sources": "allow",
            "deny": "except",
            "block": "except", "ping": "icmp", "icmpv6": "icmp",
        ])

    mutating func bindHost(_ node: Node) -> Host? {
        guard
            let fields = fields(
                of: node, "`host`",
                KeyTable(["services", "otherwise"], meanings: ["default": "otherwise", "policy": "otherwise"]),
                example: "`services` and `otherwise`")
        else { return nil }
        if let node = fields["services"] {
            let entries =
                entries(of: node, "`services` of the host", example: "`name:` lines, each with a service below it")
                ?? []
            if entries.count > Self.maximumServices {
                findings.add(
                    .error(
                        .tooManyServices, at: entries[Self.maximumServices].keySpan,
                        "the host has \(entries.count) services",
                        expected: "at most \(Self.maximumServices)", help: "`port` takes a list"))
            } else {
                for entry in entries {
                    checkName(entry, "a service of the host")
                    if entry.value.isNull {
                        reportMissingValue(entry, help: "write `port` and `allow` below it, indented")
                    } else {
                        bindHostService(entry)
                    }
                }
            }
        }
        let otherwise = fields["otherwise"].flatMap { choice($0, of: Host.Otherwise.self, "otherwise") } ?? .accept
        return Host(
            services: hostServices.map { $0.service }.sorted { $0.name < $1.name }, otherwise: otherwise,
            span: node.span)
    }

    private mutating func bindHostService(_ entry: Node.Entry) {
        guard
            let fields = fields(
                of: entry.value, "the host's service \(quoted(entry.key))", Self.hostServiceKeys,
                example: "`port` or `icmp`, and `allow`")
        else { return }
        var bound = BoundHostService(
            service: HostService(
                name: entry.key, opening: .echoRequest, allow: .nobody, except: .nobody, span: entry.keySpan),
            ports: [], allowSpan: fields["allow"]?.span ?? entry.keySpan)
        if fields.has("port"), fields.has("icmp"), let port = fields.keys["port"], let icmp = fields.keys["icmp"] {
            let (first, second) = port.start < icmp.start ? (port, icmp) : (icmp, port)
            findings.add(
                .error(
                    .conflictingKeys, at: second, "the host's service \(quoted(entry.key)) has `port` and `icmp`",
                    expected: "one of them", help: "write a service for each",
                    annotations: [.init(first, "the other stands here")]))
        } else if !fields.has("port"), !fields.has("icmp") {
            findings.add(
                .error(
                    .missingKey, at: entry.keySpan, "the host's service \(quoted(entry.key)) does not say what it is",
                    expected: "`port:` with ports, or `icmp: echo-request`", help: "write for example `port: 22`"))
        }
        if let port = fields["port"] {
            if port.scalarText == "any" {
                findings.add(
                    .error(
                        .badPort, at: port.span, "the host has no port `any`", expected: PortText.expected,
                        help: "to let everything in that is not named, write `otherwise: accept`"))
            } else {
                bound.ports = ports(port, "port")
                bound.service.opening = .ports(bound.ports.map { $0.range }.sorted())
            }
        }
        if let icmp = fields["icmp"], icmp.scalarText != "echo-request" {
            findings.add(
                .error(
                    .unknownValue, at: icmp.span, "`icmp` cannot be \(icmp.cited)", expected: "`echo-request`",
                    help: "`echo-request` is what ping sends; ICMP's errors always pass"))
        }
        bound.service.allow = allowed(fields, of: entry.key, at: entry.keySpan)
        bound.service.allowSpan = fields.keys["allow"]
        if let except = fields["except"] { bound.service.except = sources(except, "except") }
        bound.service.exceptSpan = fields.keys["except"]
        hostServices.append(bound)
    }
}

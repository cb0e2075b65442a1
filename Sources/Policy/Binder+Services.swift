internal import Addressing
internal import Diagnostics
internal import YAML

/// A service, and where its parts were written.
struct BoundService {
    var service: Service
    var publishSpan: Span
    var ports: [PlacedPorts]
    var interfaceSpans: [(name: InterfaceName, span: Span)]
    var allowSpan: Span
}

/// Ports and where they were written.
struct PlacedPorts {
    var range: PortRange
    var span: Span
}

extension Binder {
    private static let targets = ["publish", "container", "compose", "label"]

    private static let serviceKeys = KeyTable(
        ["publish", "container", "compose", "label", "port", "required", "on", "interfaces", "allow", "except"],
        meanings: [
            "ports": "publish", "published": "publish", "expose": "publish", "from": "allow", "source": "allow",
            "sources": "allow", "allowed": "allow", "deny": "except", "block": "except", "exclude": "except",
            "interface": "interfaces", "address": "on", "addresses": "on", "listen": "on", "host": "on", "bind": "on",
        ])

    mutating func bindServices(_ node: Node, within interfaces: Interfaces) {
        guard let entries = entries(of: node, "`services`", example: "`name:` lines, each with a service below it")
        else { return }
        if entries.count > Self.maximumServices {
            findings.add(
                .error(
                    .tooManyServices, at: entries[Self.maximumServices].keySpan, "there are \(entries.count) services",
                    expected: "at most \(Self.maximumServices)",
                    help: "services with the same `allow` can be one: `publish` takes a list"))
            return
        }
        for entry in entries {
            checkName(entry, "a service")
            if entry.value.isNull {
                reportMissingValue(entry, help: "write `publish` and `allow` below it, indented")
            } else {
                bindService(entry, within: interfaces)
            }
        }
    }

    private mutating func bindService(_ entry: Node.Entry, within interfaces: Interfaces) {
        guard
            let fields = fields(
                of: entry.value, "the service \(quoted(entry.key))", Self.serviceKeys,
                example: "`publish` and `allow`, each on a line below it")
        else { return }
        checkTarget(fields, entry)
        var bound = BoundService(
            service: Service(
                name: entry.key, publish: .ports([]), on: [], interfaces: [], allow: .nobody, except: .nobody,
                span: entry.keySpan),
            publishSpan: fields["publish"]?.span ?? entry.keySpan, ports: [], interfaceSpans: [],
            allowSpan: fields["allow"]?.span ?? entry.keySpan)
        if let publish = fields["publish"] {
            if publish.scalarText == "any" {
                bound.service.publish = .any
            } else {
                bound.ports = ports(publish, "publish")
                bound.service.publish = .ports(bound.ports.map { $0.range }.sorted())
            }
        }
        if let selector = selector(fields, at: entry.keySpan) {
            bound.service.publish = .selected(selector)
            bound.publishSpan = selector.span
        }
        if let on = fields["on"] { bound.service.on = hostAddresses(on) }
        if let node = fields["interfaces"] {
            bound.interfaceSpans = interfaceNames(
                node, emptyHelp: "remove the key: without it every external interface counts")
            bound.service.interfaces = Set(bound.interfaceSpans.map { $0.name }).sorted()
        }
        bound.service.allow = allowed(fields, of: entry.key, at: entry.keySpan)
        bound.service.allowSpan = fields.keys["allow"]
        if let except = fields["except"] { bound.service.except = sources(except, "except") }
        bound.service.exceptSpan = fields.keys["except"]
        services.append(bound)
    }

    private mutating func checkTarget(_ fields: Fields, _ entry: Node.Entry) {
        let written = Self.targets.filter { fields.has($0) }
        if written.isEmpty {
            findings.add(
                .error(
                    .missingKey, at: entry.keySpan, "the service \(quoted(entry.key)) does not say what it is",
                    expected: "`publish:` with ports, or one of `container`, `compose` or `label`",
                    help: fields.keys["port"] == nil
                        ? "write `publish: 8081` with the host's port, the left side of docker's `-p`"
                        : "`port` is the container's port; the host's, the left side of docker's `-p`, is `publish`"))
        } else if written.count > 1, let span = fields.keys[written[1]], let first = fields.keys[written[0]] {
            findings.add(
                .error(
                    .conflictingKeys, at: span,
                    "the service \(quoted(entry.key)) is named by `\(written[0])` and by `\(written[1])`",
                    expected: "one of " + Self.targets.alternatives, help: "write a service for each",
                    annotations: [.init(first, "named here too")]))
        } else if written == ["publish"], let span = fields.keys["port"], let first = fields.keys["publish"] {
            findings.add(
                .error(
                    .conflictingKeys, at: span, "`port` does not go with `publish`", expected: "`publish` alone",
                    help:
                        "`publish` names the host's port already; "
                        + "`port` is the container's, for `container`, `compose` and `label`",
                    annotations: [.init(first, "the host's port")]))
        } else if written == ["publish"], let span = fields.keys["required"], let first = fields.keys["publish"] {
            findings.add(
                .error(
                    .conflictingKeys, at: span, "`required` does not go with `publish`", expected: "`publish` alone",
                    help: "a port is judged whether or not something is published there; "
                        + "`required` is for `container`, `compose` and `label`",
                    annotations: [.init(first, "the host's port")]))
        }
    }

    /// `on`: addresses of this host, one by one.
    private mutating func hostAddresses(_ node: Node) -> [IPAddress] {
        guard let items = items(node, emptyHelp: "remove the key: without it every address of the host counts") else {
            return []
        }
        let expected = "an address of this host, such as `192.0.2.1`"
        var addresses: Set<IPAddress> = []
        for item in items {
            if reportUnquotedAddress(item) { continue }
            guard let text = item.scalarText, let address = IPAddress(text) else {
                let isWider = item.scalarText.map {
                    AddressAdvice.looksLikeAddress($0) && ($0.contains("/") || $0.contains("-"))
                }
                findings.add(
                    .error(
                        .badAddress, at: item.span, "`on` cannot be \(item.cited)", expected: expected,
                        help: isWider == true
                            ? "Docker publishes on single addresses: list each"
                            : "`on` is the address in docker's `-p ADDRESS:PORT:PORT`; clients belong to `allow`"))
                continue
            }
            if address.isUnspecified {
                findings.add(
                    .error(
                        .unspecifiedAddress, at: item.span,
                        "\(quoted(text)) stands for every address of the host, and is none itself",
                        expected: expected, help: "remove the key: without it every address of the host counts"))
                continue
            }
            if case .v6(let bits) = address,
                let problem = AddressAdvice.problem(.v6(bits.bits...bits.bits), text, at: item.span)
            {
                findings.add(problem)
                continue
            }
            if address.isLoopback {
                findings.add(
                    .warning(
                        .loopbackAddress, at: item.span,
                        "\(quoted(text)) is reached from this machine only, whom no service needs to allow",
                        help: "remove the service: what is published there is refused from outside in any case"))
            }
            addresses.insert(address)
        }
        return addresses.sorted()
    }
}

internal import Addressing
internal import Diagnostics
internal import YAML

extension Interfaces {
    /// What holds when the policy is silent: the bridges of Docker and Podman, and every other interface is external.
    static func standard(at span: Span) -> Self {
        let names = ["docker0", "docker_gwbridge", "br-*", "podman*", "cni-podman*"]
        return Self(external: .auto, containers: names.compactMap { try? InterfaceName($0) }, span: span)
    }

    /// Whether a name can be that of a container bridge.
    func mayBeContainer(_ name: InterfaceName) -> Bool { containers.contains { $0.overlaps(name) } }
}

extension InterfaceName {
    /// Whether some interface can have both names.
    func overlaps(_ other: InterfaceName) -> Bool {
        switch (isWildcard, other.isWildcard) {
        case (false, false): stem == other.stem
        case (true, false): other.stem.hasPrefix(stem)
        case (false, true): stem.hasPrefix(other.stem)
        case (true, true): stem.hasPrefix(other.stem) || other.stem.hasPrefix(stem)
        }
    }
}

extension Binder {
    mutating func interfaces(_ node: Node?) -> Interfaces {
        var interfaces = Interfaces.standard(at: node?.span ?? rootSpan)
        guard let node,
            let fields = fields(
                of: node, "`interfaces`",
                KeyTable(["external", "containers"], meanings: ["bridges": "containers", "internal": "containers"]))
        else { return interfaces }
        if let containers = fields["containers"] {
            interfaces.containers = interfaceNames(
                containers, emptyHelp: "remove the key: the default names Docker's bridges"
            )
            .map { $0.name }
        }
        if let external = fields["external"], external.scalarText != "auto" {
            let names = interfaceNames(external, emptyHelp: "write `external: auto`, or name the interfaces")
            interfaces.external = .listed(names.map { $0.name })
            for (name, span) in names {
                if name.matches("lo") {
                    findings.add(
                        .warning(
                            .loopbackIsExternal, at: span,
                            "`\(name)` makes the loopback interface `lo` an external one",
                            help:
                                "leave it out: the machine's own connections to published ports would be judged as foreign"
                        ))
                } else if interfaces.mayBeContainer(name) {
                    findings.add(
                        .warning(
                            .containerInterface, at: span, "`\(name)` is external and a container bridge at once",
                            help: "a container bridge is never external; name the interfaces that face other machines"))
                }
            }
        }
        return interfaces
    }

    mutating func interfaceNames(_ node: Node, emptyHelp: String) -> [(name: InterfaceName, span: Span)] {
        guard let items = items(node, emptyHelp: emptyHelp) else { return [] }
        var names: [(name: InterfaceName, span: Span)] = []
        for item in items {
            guard let text = item.scalarText else {
                findings.add(
                    .error(
                        .badInterface, at: item.span, "an interface's name is wanted, and this is \(item.kind)",
                        expected: Self.interfaceExpected))
                continue
            }
            if text == "auto" {
                findings.add(
                    .error(
                        .badInterface, at: item.span, "`auto` is not the name of an interface",
                        expected: Self.interfaceExpected,
                        help: "write `external: auto`, without a list"))
                continue
            }
            do {
                names.append((try InterfaceName(text), item.span))
            } catch {
                findings.add(error.diagnostic(for: text, at: item.span))
            }
        }
        return names
    }

    static let interfaceExpected =
        "the name of an interface such as `eth0`, or the beginning of names such as `\"wg*\"`"
}

extension InterfaceName.TextError {
    fileprivate func diagnostic(for text: String, at span: Span) -> Diagnostic {
        let (reason, help): (String, String) =
            switch self {
            case .empty where text == "*":
                ("stands for all interfaces at once", "leave the key out, and every external interface is meant")
            case .empty: ("is empty", "name an interface; `ip link` lists them")
            case .tooLong:
                ("has more than 15 characters, and Linux knows no such interface", "`ip link` lists the names")
            case .badCharacter(","), .badCharacter(" "):
                ("holds a blank or a comma", "write a list: `[eth0, eth1]`")
            case .badCharacter(let character):
                ("holds \(quoted(String(character))), which nft cannot spell", "`ip link` lists the names")
            case .starNotLast: ("has a `*` before its end", "a `*` stands for the rest of a name, and only at its end")
            }
        return .error(
            .badInterface, at: span, "the interface \(quoted(text)) \(reason)", expected: Binder.interfaceExpected,
            help: help)
    }
}

internal import Diagnostics
internal import YAML

/// `container`, `compose` and `label`: how they are written. What they stand for is Docker's to say.
extension Binder {
    mutating func selector(_ fields: Fields, at span: Span) -> Selector? {
        let (target, place) = target(fields)
        let ports = fields["port"].map { self.ports($0, "port").map(\.range).sorted() } ?? []
        let isRequired = fields["required"].flatMap { flag($0, "required") } ?? false
        guard let target else { return nil }
        return Selector(target: target, ports: ports, isRequired: isRequired, span: place ?? span)
    }

    private mutating func target(_ fields: Fields) -> (Selector.Target?, Span?) {
        if let node = fields["container"] {
            return (container(node), node.span)
        }
        if let node = fields["compose"] {
            return (compose(node), node.span)
        }
        if let node = fields["label"] {
            return (label(node), node.span)
        }
        return (nil, nil)
    }

    private mutating func container(_ node: Node) -> Selector.Target? {
        guard let text = node.scalarText, Self.isContainerName(text) else {
            refuse(node, "container", expected: "a container's name, such as `grafana`")
            return nil
        }
        return .container(text)
    }

    private mutating func compose(_ node: Node) -> Selector.Target? {
        let parts = node.scalarText?.split(separator: "/", omittingEmptySubsequences: false).map(String.init) ?? []
        guard parts.count == 2, parts.allSatisfy({ Self.isContainerName($0) }) else {
            refuse(node, "compose", expected: "`PROJECT/SERVICE`, such as `shop/web`")
            return nil
        }
        return .compose(project: parts[0], service: parts[1])
    }

    private mutating func label(_ node: Node) -> Selector.Target? {
        let parts =
            node.scalarText?.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
            ?? []
        guard parts.count == 2, !parts[0].isEmpty, !parts[0].contains(" ") else {
            refuse(node, "label", expected: "`KEY=VALUE`, such as `com.example.tier=web`")
            return nil
        }
        return .label(key: parts[0], value: parts[1])
    }

    private mutating func refuse(_ node: Node, _ key: String, expected: String) {
        findings.add(
            .error(
                .badContainer, at: node.span, "`\(key)` cannot be \(node.cited)", expected: expected,
                help: key == "label" ? nil : "`docker ps --format '{{.Names}}'` lists the containers"))
    }

    /// Docker's own rule: `[a-zA-Z0-9][a-zA-Z0-9_.-]*`.
    private static func isContainerName(_ text: String) -> Bool {
        guard let first = text.utf8.first, UInt8(ascii: "0") <= first, first != UInt8(ascii: "_") else { return false }
        return text.utf8.allSatisfy { byte in
            switch byte {
            case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "a")...UInt8(ascii: "z"),
                UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "_"), UInt8(ascii: "."), UInt8(ascii: "-"):
                true
            default: false
            }
        }
    }
}

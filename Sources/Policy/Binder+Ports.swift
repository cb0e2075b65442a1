internal import Addressing
internal import Diagnostics
internal import YAML

extension Binder {
    /// One port, one range, or a list of them. Those of one service may not overlap.
    mutating func ports(_ node: Node, _ key: String) -> [PlacedPorts] {
        let emptyHelp = key == "publish" ? "every published port is `publish: any`" : "name the port"
        guard let items = items(node, emptyHelp: emptyHelp) else { return [] }
        var placed: [PlacedPorts] = []
        for item in items {
            guard let text = item.scalarText else {
                findings.add(
                    .error(
                        .badPort, at: item.span, "`\(key)` names ports, and this is \(item.kind)",
                        expected: PortText.expected,
                        help: portHelp(item)))
                continue
            }
            if text == "any" {
                findings.add(
                    .error(
                        .badPort, at: item.span,
                        "`any` stands for every published port, and cannot be part of "
                            + (key == "publish" ? "a list" : "`\(key)`"),
                        expected: PortText.expected,
                        help: key == "publish" ? "write `publish: any` alone, or remove it" : nil))
                continue
            }
            switch PortText.parse(text, at: item.span) {
            case .success(let range): placed.append(PlacedPorts(range: range, span: item.span))
            case .failure(let problem): findings.add(problem.diagnostic)
            }
        }
        checkOverlap(placed)
        return placed
    }

    /// `8081: 80` and `{ 8081: 80 }` are how people carry docker's mapping over.
    private func portHelp(_ node: Node) -> String? {
        guard case .mapping(let entries) = node.content, let entry = entries.first else { return nil }
        if UInt64(digits: entry.key[...]) != nil { return "name the host's port alone: `\(entry.key)`" }
        return nil
    }

    private mutating func checkOverlap(_ placed: [PlacedPorts]) {
        let sorted = placed.sorted { $0.range < $1.range }
        guard var widest = sorted.first else { return }
        for next in sorted.dropFirst() {
            let isSame = next.range.transport == widest.range.transport
            if isSame, next.range.ports.overlaps(widest.range.ports) {
                let (first, second) = next.span.start < widest.span.start ? (next, widest) : (widest, next)
                findings.add(
                    .error(
                        .overlappingPorts, at: second.span,
                        "\(quoted(second.range.description)) overlaps \(quoted(first.range.description)) of the same service",
                        expected: "every port of a service once",
                        help: "remove one of them, or make the ranges meet without overlapping",
                        annotations: [.init(first.span, "named here too")]))
            }
            if !isSame || next.range.ports.upperBound > widest.range.ports.upperBound { widest = next }
        }
    }
}

internal import Addressing
internal import Diagnostics
internal import Nftables
internal import NftablesFormats
internal import Simulator
public import Verification

/// What became of a policy's claims, for a person: a table, and every difference in full.
public struct VerificationText {
    private let verification: Verification
    private let dockerRules: DockerRules

    public init(_ verification: Verification, _ dockerRules: DockerRules) {
        self.verification = verification
        self.dockerRules = dockerRules
    }

    public var text: String {
        var lines = [summary, ""]
        let header = ["OF", "PATH", "FAMILY", "PACKETS", "DIFFER"]
        lines += TextTable.lines([header] + verification.rows.map(\.cells))
        for difference in verification.differences {
            lines.append("")
            lines += difference.lines
        }
        lines.append("")
        lines.append("Docker's rules: \(dockerRules.words)")
        for line in verification.untried { lines.append("not tried: \(line)") }
        return lines.joined(separator: "\n")
    }

    private var summary: String {
        let count = verification.differences.count
        let tried =
            verification.tried == verification.possible
            ? "\(verification.tried) packets" : "\(verification.tried) of \(verification.possible) packets"
        let met =
            count == 0
            ? "each met what the policy says" : "\(count) met something else than the policy says"
        return "\(tried): \(met)"
    }
}

extension DockerRules {
    fileprivate var words: String {
        switch self {
        case .own(let reason): "made for this: \(reason)"
        case .ofHost(let tables):
            "as on this host (\(tables.joined(separator: ", "))), and such as publish every port"
        case .recorded(let path, let tables):
            "as recorded in \(path) (\(tables.joined(separator: ", "))), and such as publish every port"
        }
    }
}

extension Verification.Row {
    fileprivate var cells: [String] {
        let count = tried == possible ? "\(tried)" : "\(tried) of \(possible)"
        return [about, path.words, family.words, count, differing == 0 ? "-" : "\(differing)"]
    }
}

extension Verification.Difference {
    fileprivate var lines: [String] {
        var lines = ["\(claim.words): \(met.words), where it \(claim.ruling.outcome.words)"]
        let origin = claim.ruling.origin.map { " (\($0.file):\($0.start.line))" } ?? ""
        lines.append("    policy  \(claim.ruling.subject)\(origin)")
        if let decisionText { lines.append("    rule    \(decisionText)") }
        return lines
    }

    var decisionText: String? {
        guard let decision else { return nil }
        switch decision.place {
        case .policy: return "chain \(decision.chain): its policy"
        case .rule(_, let rule):
            let words =
                rule.comment
                ?? rule.expressions.map(ExpressionText.text(expression:)).joined(separator: ", ")
            return "chain \(decision.chain): \(words)"
        }
    }
}

extension Claim {
    fileprivate var words: String { "\(source) \(from.words) -> \(target), \(path.words)" }

    var target: String {
        let address = family == .ipv6 ? "[\(destination)]" : "\(destination)"
        return switch kind {
        case .ports(let transport, let port): "\(address):\(port)/\(transport)"
        case .echoRequest: "\(destination) (ping)"
        case .segment(let own, let port): "\(address):\(port)/tcp, a segment from port \(own) that opens nothing"
        }
    }
}

extension Place {
    var words: String {
        switch self {
        case .beyond(let name): "by \(name)"
        case .container: "from a container"
        case .host: "from the host"
        }
    }
}

extension Claim.Path {
    fileprivate var words: String {
        switch self {
        case .published: "DNAT"
        case .input: "host, docker-proxy"
        case .untracked: "untracked"
        case .direct: "own address"
        case .trusted: "trusted interface"
        case .fromContainer: "from containers"
        case .fromHost: "from the host"
        case .stray: "cut connection"
        case .open: "open before"
        case .dockersPort: "Docker's rules, port"
        case .dockersAddress: "Docker's rules, own address"
        }
    }
}

extension Verification.Met {
    fileprivate var words: String {
        switch self {
        case .answered(.container): "answered by the container"
        case .answered(.host): "answered by the host"
        case .answered(.outside): "answered from outside"
        case .refused: "rejected"
        case .silence: "dropped"
        }
    }
}

extension Ruling.Outcome {
    fileprivate var words: String {
        switch self {
        case .passes: "is to pass"
        case .dropped: "is to be dropped"
        case .rejected: "is to be rejected"
        case .refused: "is to be dropped or rejected"
        }
    }
}

extension AddressFamily {
    fileprivate var words: String {
        switch self {
        case .ipv4: "IPv4"
        case .ipv6: "IPv6"
        }
    }
}

internal import Reachability

extension Doubt {
    var text: String { rule.map { "\($0.text): \(reason)" } ?? reason }
}

extension RuleReference {
    var text: String {
        "\(table) \(chain) handle \(handle)" + (comment.map { " (\($0))" } ?? "")
    }
}

extension Stop {
    var text: String {
        switch self {
        case .rule(let rule): rule.text
        case .policy(let table, let chain): "the policy of \(table) \(chain)"
        case .routing(let stop):
            switch stop {
            case .martian: "the routing: a loopback address from outside"
            case .forwardingIsOff: "the routing: forwarding is off"
            case .unknownDestination: "NAT: it is not known where to"
            case .linkLocalSource: "the routing: a link-local client is not forwarded for"
            case .linkLocalDestination: "the routing: a link-local address is not forwarded to"
            }
        }
    }
}

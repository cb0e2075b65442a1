import Foundation
import Nftables
import NftablesFormats
import Simulator

extension Case {
    /// For each packet from outside: what becomes of it, on which way, the rules that had a say, and the line of the policy.
    func traces() throws -> String {
        let policyText = try String(contentsOf: folder.appending(path: "policy.yaml"), encoding: .utf8)
        let policyLines = policyText.split(separator: "\n", omittingEmptySubsequences: false)
        let simulation = Simulation(linear)
        var text = ""
        for packet in packets {
            guard let simulated = try simulated(packet) else { continue }
            let trace = simulation.trace(simulated.packet)
            text += "\(packet): \(trace.fate.word)\n    \(simulated.way)\n"
            for step in trace.steps { text += line(step).map { "    \($0)\n" } ?? "" }
            if let line = trace.policyLine, policyLines.indices.contains(line - 1) {
                let words = policyLines[line - 1].split(separator: " ").joined(separator: " ")
                text += "    policy.yaml:\(line): \(words)\n"
            }
            text += "\n"
        }
        return text
    }

    /// A step in nft's words; nil where the rule had nothing to say.
    private func line(_ step: Trace.Step) -> String? {
        switch step.place {
        case .policy:
            guard case .verdict(let verdict) = step.decision else { return nil }
            return "\(step.chain): policy \(NftText.text(statement: .verdict(verdict)))"
        case .rule(let index, _):
            guard let rule = ruleset.chains.first(where: { $0.name == step.chain })?.rules[index] else { return nil }
            switch step.decision {
            case .noMatch: return nil
            case .goesOn, .reject: return "\(step.chain): \(NftText.text(rule: rule))"
            case .unknown(let reason): return "\(step.chain): \(NftText.text(rule: rule)) (\(reason))"
            case .verdict(let verdict):
                let text = "\(step.chain): \(NftText.text(rule: rule))"
                guard case .verdictMap? = rule.statements.last else { return text }
                return "\(text) > \(NftText.text(statement: .verdict(verdict)))"
            }
        }
    }
}

extension Trace {
    /// Of the last rule that the policy's author wrote himself.
    fileprivate var policyLine: Int? {
        for step in steps.reversed() {
            guard case .rule(_, let rule) = step.place, let origin = rule.origin else { continue }
            if case .noMatch = step.decision { continue }
            return origin.line
        }
        return nil
    }
}

extension Trace.Fate {
    fileprivate var word: String {
        switch self {
        case .accept: "accept"
        case .drop: "drop"
        case .reject(.tcpReset): "reject with tcp reset"
        case .reject(.portUnreachable): "reject with port-unreachable"
        case .unknown(let reason): "unknown, \(reason)"
        }
    }
}

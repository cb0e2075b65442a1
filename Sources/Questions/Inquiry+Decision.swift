internal import Addressing
internal import Diagnostics
internal import Nftables
internal import Policy
internal import Simulator

extension Inquiry {
    mutating func decision(_ tried: Trying, of example: IPAddress) -> Decision {
        let simulation = simulation ?? Simulation(linear)
        self.simulation = simulation
        let trace = simulation.trace(Packet(tried.approach, from: example))
        let steps = trace.steps.map { step in
            switch step.place {
            case .policy: Decision.Step(chain: step.chain, index: nil, rule: nil, decision: step.decision)
            case .rule(let index, _):
                Decision.Step(
                    chain: step.chain, index: index, rule: rule(index, of: step.chain), decision: step.decision)
            }
        }
        var decision = Decision(
            example: example, way: tried.way, chain: nil, rule: nil, source: nil, change: nil, trace: trace,
            steps: steps)
        decision.way = shortened([tried.way]).first ?? tried.way
        if let step = decidingStep(steps, trace.fate) {
            decision.chain = step.chain
            if let index = step.index, let rule = step.rule { decision.rule = (index, rule) }
            decision.source = source(of: step)
        }
        decision.change = change(decision, tried)
        return decision
    }

    private func rule(_ index: Int, of chain: String) -> Rule? {
        guard let rules = ruleset.chains.first(where: { $0.name == chain })?.rules, rules.indices.contains(index)
        else { return nil }
        return rules[index]
    }

    /// How a client is told of a refusal was decided by whoever sent it there.
    private func decidingStep(_ steps: [Decision.Step], _ fate: Trace.Fate) -> Decision.Step? {
        guard case .reject = fate, let last = steps.last else { return steps.last }
        return steps.last { step in
            switch step.decision {
            case .verdict(.goto(last.chain)), .verdict(.jump(last.chain)): true
            case .verdict, .noMatch, .goesOn, .reject, .unknown: false
            }
        } ?? last
    }

    private func source(of step: Decision.Step) -> Span? {
        guard let origin = step.rule?.origin else {
            return step.chain.hasPrefix("unlisted") ? policy.unlistedSpan : nil
        }
        return judge(at: origin)?.span ?? policy.host.map(\.span)
    }

    // MARK: What to write

    private struct Judge {
        var name: String
        var allow: Sources
        var except: Sources
        var span: Span
        var allowSpan: Span
        var exceptSpan: Span
    }

    private func judge(at origin: Origin) -> Judge? {
        if let service = policy.services.first(where: { $0.span.isAt(origin) }) {
            return Judge(
                name: service.name, allow: service.allow, except: service.except, span: service.span,
                allowSpan: service.allowSpan ?? service.span, exceptSpan: service.exceptSpan ?? service.span)
        }
        guard let service = policy.host?.services.first(where: { $0.span.isAt(origin) }) else { return nil }
        return Judge(
            name: service.name, allow: service.allow, except: service.except, span: service.span,
            allowSpan: service.allowSpan ?? service.span, exceptSpan: service.exceptSpan ?? service.span)
    }

    private func change(_ decision: Decision, _ tried: Trying) -> Advice? {
        let isAllowed = decision.trace.fate == .accept
        if let origin = decision.rule?.rule.origin, let judge = judge(at: origin) {
            return isAllowed ? removal(of: decision.example, judge) : addition(of: decision.example, judge)
        }
        if decision.chain?.hasPrefix("unlisted") == true {
            return isAllowed ? .closeUnlisted(policy.unlistedSpan) : .nameThePort
        }
        if decision.chain == "host", !isAllowed { return .nameThePortOfTheHost }
        guard isAllowed, decision.rule == nil, decision.chain != nil else { return nil }
        // Nobody judges it: it comes in by an interface that is trusted, or to a process that no rule is about.
        if let interface, !Links(linear).outside.contains(where: { $0.covers(interface) }) {
            return .makeExternal(interface: interface, policy.interfaces.span)
        }
        switch tried.way.path {
        case .host, .proxy: return policy.host?.otherwise == .accept ? .nameThePortOfTheHost : .closeTheHost
        case .published, .direct, .wire: return nil
        }
    }

    private func addition(of client: IPAddress, _ judge: Judge) -> Advice {
        contains(client, judge.except) && contains(client, judge.allow)
            ? .removeFromExcept(service: judge.name, judge.exceptSpan)
            : .addToAllow(service: judge.name, judge.allowSpan)
    }

    private func removal(of client: IPAddress, _ judge: Judge) -> Advice {
        switch judge.allow {
        case .anyone: return .addToExcept(service: judge.name, judge.exceptSpan)
        case .listed(let groups, let addresses):
            if addresses.contains(client) { return .removeFromAllow(service: judge.name, judge.allowSpan) }
            let group = policy.groups.first { groups.contains($0.name) && $0.addresses.contains(client) }
            return group.map { .removeFromGroup(group: $0.name, $0.span, service: judge.name) }
                ?? .addToExcept(service: judge.name, judge.exceptSpan)
        }
    }

    private func contains(_ client: IPAddress, _ sources: Sources) -> Bool {
        switch sources {
        case .anyone: true
        case .listed(let groups, let addresses):
            addresses.contains(client)
                || policy.groups.contains { groups.contains($0.name) && $0.addresses.contains(client) }
        }
    }
}

extension Link {
    func covers(_ interface: String) -> Bool {
        names.contains { name in
            name == "other" || name == interface
                || name.hasSuffix("*") && interface.hasPrefix(name.dropLast())
        }
    }
}

extension Span {
    fileprivate func isAt(_ origin: Origin) -> Bool {
        file == origin.file && start.line == origin.line && start.column == origin.column
    }
}

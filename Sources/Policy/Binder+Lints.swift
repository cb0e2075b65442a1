internal import Addressing
internal import Diagnostics

/// What is allowed to be written, and is likely not what was meant.
extension Binder {
    mutating func lint(_ policy: ResolvedPolicy) {
        lintGroups()
        var entering: [[String]: IPAddress] = [:]
        for bound in services {
            lint(bound, policy.interfaces)
            let service = bound.service
            lintNobody(service.allow, except: service.except, of: service.name, at: bound.allowSpan, &entering)
        }
        for bound in hostServices {
            let service = bound.service
            lintNobody(service.allow, except: service.except, of: service.name, at: bound.allowSpan, &entering)
        }
        lintOverlaps()
    }

    private mutating func lintGroups() {
        for vertex in groups.vertices {
            let name = vertex.group.name
            if !vertex.isUsed {
                findings.add(
                    .warning(
                        .unusedGroup, at: vertex.group.span,
                        "the group \(quoted(name)) is named by no service and no other group",
                        help: "name it in an `allow` or `except`, or remove it"))
            }
            if vertex.count == 0, vertex.references.isEmpty {
                findings.add(
                    .warning(
                        .emptyGroup, at: vertex.group.span, "the group \(quoted(name)) is empty: it allows nobody",
                        help: "is the list complete?"))
            }
        }
    }

    private mutating func lint(_ bound: BoundService, _ interfaces: Interfaces) {
        let service = bound.service
        if service.publish == .any, service.allow == .anyone, service.except == .nobody {
            findings.add(
                .warning(
                    .openToAnyone, at: bound.allowSpan,
                    "the service \(quoted(service.name)) opens every published port to anyone",
                    help: "name the ports in `publish`, or the sources in `allow`"))
        }
        for (name, span) in bound.interfaceSpans {
            if interfaces.external == .auto, name.description == "lo" {
                findings.add(
                    .warning(
                        .interfaceNotExternal, at: span,
                        "`lo` is never external: what the machine sends itself is trusted",
                        help: "name the interfaces that face other machines"))
            } else if interfaces.mayBeContainer(name) {
                findings.add(
                    .warning(
                        .containerInterface, at: span,
                        "`\(name)` is a container bridge: what comes from there is not judged",
                        help: "name the interfaces that face other machines"))
            } else if case .listed(let external) = interfaces.external, !external.contains(where: { $0.overlaps(name) })
            {
                findings.add(
                    .warning(
                        .interfaceNotExternal, at: span,
                        "`\(name)` is not among `interfaces.external`: what comes from there is trusted",
                        help: "add it to `interfaces.external`, or remove it here"))
            }
        }
    }

    /// `entering` is an address that enters, for the groups of an `allow`.
    private mutating func lintNobody(
        _ allow: Sources, except: Sources, of name: String, at span: Span, _ entering: inout [[String]: IPAddress]
    ) {
        guard except != .nobody, allow != .nobody else { return }
        // Lists may be long and services many: one address that still enters spares the whole comparison.
        let given = parts(of: allow)
        let kept = parts(of: except)
        let known = entering[allow.groups].flatMap { address in given.contains { $0.contains(address) } ? address : nil
        }
        let enters = ([known].compactMap { $0 } + given.flatMap(\.ends)).contains { address in
            !kept.contains { $0.contains(address) }
        }
        if enters { return }
        let left = addresses(of: allow).subtracting(addresses(of: except))
        if let address = left.ends.first {
            entering[allow.groups] = address
            return
        }
        findings.add(
            .warning(
                .nobodyEnters, at: span,
                "`except` takes away all that `allow` gives: nobody may enter \(quoted(name))",
                help: "write `allow: nobody` if that is meant; else make `except` narrower"))
    }

    /// The sets that together are these sources.
    private func parts(of sources: Sources) -> [AddressSet] {
        switch sources {
        case .anyone: [.all]
        case .listed(let names, let addresses): [addresses] + names.compactMap { groups[$0]?.group.addresses }
        }
    }

    /// Services that name the same door are joined; that is meant seldom.
    private mutating func lintOverlaps() {
        var everywhere = PortIndex()
        var perAddress: [IPAddress: PortIndex] = [:]
        for (index, bound) in services.enumerated() {
            for placed in bound.ports {
                let addresses = bound.service.on
                if addresses.isEmpty { everywhere.insert(placed, of: index) }
                for address in addresses { perAddress[address, default: PortIndex()].insert(placed, of: index) }
            }
        }
        everywhere.sort()
        for address in perAddress.keys { perAddress[address]?.sort() }
        for (index, bound) in services.enumerated() {
            for placed in bound.ports {
                var found = everywhere.first(overlapping: placed, before: bound.service.on.isEmpty ? index : nil)
                for address in bound.service.on where found == nil {
                    found = perAddress[address]?.first(overlapping: placed, before: index)
                }
                guard let found, found.service != index else { continue }
                reportOverlap(placed, of: bound, with: found)
            }
        }
        for bound in hostServices {
            for placed in bound.ports {
                guard let found = everywhere.first(overlapping: placed, before: nil) else {
                    continue
                }
                findings.add(
                    .warning(
                        .portAlsoPublished, at: placed.span,
                        "\(quoted(placed.range.description)) of the host's service \(quoted(bound.service.name)) "
                            + "is published by \(quoted(services[found.service].service.name)) too",
                        help: "a port is either the host's or a container's: the service under `services` decides",
                        annotations: [.init(found.placed.span, "published here")]))
            }
        }
    }

    private mutating func reportOverlap(_ placed: PlacedPorts, of bound: BoundService, with found: PortIndex.Entry) {
        let other = services[found.service].service
        let mine = bound.service.interfaces
        if !mine.isEmpty, !other.interfaces.isEmpty,
            !mine.contains(where: { name in other.interfaces.contains { $0.overlaps(name) } })
        {
            return
        }
        findings.add(
            .warning(
                .portInTwoServices, at: placed.span,
                "\(quoted(placed.range.description)) is published by \(quoted(other.name)) too: "
                    + "whoever one of them allows may enter",
                help: "join the two services if that is meant",
                annotations: [.init(found.placed.span, "published here by \(quoted(other.name))")]))
    }
}

extension Sources {
    fileprivate var groups: [String] {
        switch self {
        case .anyone: []
        case .listed(let groups, _): groups
        }
    }
}

extension AddressSet {
    /// The first and the last address of each family.
    fileprivate var ends: [IPAddress] {
        let v4 = [self.v4.ranges.first?.lowerBound, self.v4.ranges.last?.upperBound].compactMap { $0 }
        let v6 = [self.v6.ranges.first?.lowerBound, self.v6.ranges.last?.upperBound].compactMap { $0 }
        return v4.map { .v4(IPv4Address($0)) } + v6.map { .v6(IPv6Address($0)) }
    }
}

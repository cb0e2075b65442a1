internal import Addressing
internal import Diagnostics

/// FROM and TO, in a line of `expect` and on the command line alike.
extension Binder {
    /// One source, or several with commas between them. Nil where that was reported to be wrong.
    mutating func clients(_ part: Written.Part) -> Clients? {
        if let addresses = knownClients(part.string) { return Clients(text: part.string, addresses: addresses) }
        guard part.text.contains(",") else {
            return one(part).map { Clients(text: part.string, addresses: $0) }
        }
        var addresses = AddressSet()
        var isComplete = true
        for piece in part.text.split(separator: ",", omittingEmptySubsequences: false) {
            let piece = part.with(piece)
            if let more = knownClients(piece.string) ?? one(piece) {
                addresses = addresses.union(more)
            } else {
                isComplete = false
            }
        }
        return isComplete ? Clients(text: part.string, addresses: addresses) : nil
    }

    private mutating func knownClients(_ text: String) -> AddressSet? {
        if text == "anyone" { return .all }
        guard let group = groups[text]?.group, !AddressAdvice.looksLikeAddress(text) else { return nil }
        groups.use(text)
        if let known = clientsOfGroups[text] { return known }
        let addresses = groups.addresses(of: [text] + group.members)
        clientsOfGroups[text] = addresses
        return addresses
    }

    private mutating func one(_ part: Written.Part) -> AddressSet? {
        if part.text.isEmpty || part.text == "nobody" {
            findings.add(
                .error(
                    .badExpectation, at: part.text.isEmpty ? part.whole.span : part.span,
                    "a question is about a client, and \(quoted(part.string)) is none",
                    expected: "`anyone`, " + AddressAdvice.expectedOrGroup,
                    help: "that nobody enters is `deny anyone -> TO`"))
            return nil
        }
        guard let address = address(part.string, at: part.span, as: .asked) else { return nil }
        var ranges = AddressRanges()
        ranges.append(address)
        return ranges.set
    }

    // MARK: TO

    private static let expectedDestination =
        "a service, `PORT[/PROTOCOL]`, `ADDRESS:PORT[/PROTOCOL]` or `host:PORT[/PROTOCOL]`"

    /// `containers` may be named too, where Docker was asked.
    mutating func destination(_ part: Written.Part, containers: [String] = []) -> Destination? {
        let text = part.text
        if names.services.contains(part.string) { return .service(part.string) }
        if containers.contains(part.string) { return .container(part.string) }
        if text.hasPrefix("host:") { return machine(part.with(text.dropFirst("host:".count))) }
        if text.hasPrefix("["), let end = text.firstRange(of: "]:") {
            let address = part.with(text[text.index(after: text.startIndex)..<end.lowerBound])
            return published(at: address, part.with(text[end.upperBound...]))
        }
        if let colon = text.firstIndex(of: ":"), IPAddress(String(text[..<colon])) != nil {
            return published(at: part.with(text[..<colon]), part.with(text[text.index(after: colon)...]))
        }
        if let address = IPAddress(part.string) {
            let written = address.family == .ipv4 ? "\(address):PORT" : "[\(address)]:PORT"
            findings.add(
                .error(
                    .badPort, at: part.span, "\(quoted(part.string)) is an address without a port",
                    expected: Self.expectedDestination, help: "write `\(written)`"))
            return nil
        }
        if text.unicodeScalars.first.map({ ("0"..."9").contains($0) }) == true {
            return port(part).map { .published(nil, $0) }
        }
        reportUnknownDestination(part, containers)
        return nil
    }

    private mutating func reportUnknownDestination(_ part: Written.Part, _ containers: [String]) {
        let known = names.services.union(containers)
        let near =
            names.hostServices.contains(part.string)
            ? "host:\(part.string)" : findings.isWorthGuessing ? nearestName(to: part.string, in: known.sorted()) : nil
        let isName = part.text.contains(".") && part.text.contains(":")
        let advice =
            part.text.hasPrefix("[") && part.text.hasSuffix("]")
            ? "write `\(part.string):PORT`"
            : isName ? "a name of the DNS is not an address: write the address that it stands for" : nil
        findings.add(
            .error(
                .unknownService, at: part.span,
                "there is no service \(containers.isEmpty ? "" : "and no container ")\(quoted(part.string))",
                expected: Self.expectedDestination, help: near.map { "did you mean `\($0)`?" } ?? advice))
    }

    private mutating func port(_ part: Written.Part) -> PortRange? {
        switch PortText.parse(part.string, at: part.span) {
        case .success(let range): return range
        case .failure(let problem):
            findings.add(problem.diagnostic)
            return nil
        }
    }

    private mutating func machine(_ part: Written.Part) -> Destination? {
        guard names.hostServices.contains(part.string) else {
            let isPort = part.text.unicodeScalars.first.map { ("0"..."9").contains($0) } ?? true
            if isPort { return port(part).map { .machine($0) } }
            let near = findings.isWorthGuessing ? nearestName(to: part.string, in: names.hostServices.sorted()) : nil
            findings.add(
                .error(
                    .unknownService, at: part.span, "there is no service \(quoted(part.string)) under `host`",
                    expected: "`host:PORT[/PROTOCOL]`, or `host:` and a service under `host`",
                    help: near.map { "did you mean `host:\($0)`?" }))
            return nil
        }
        let service = hostServices.first { $0.service.name == part.string }?.service
        guard service?.opening == .echoRequest else { return .hostService(part.string) }
        findings.add(
            .error(
                .badExpectation, at: part.span,
                "the host's service \(quoted(part.string)) answers pings, which have no port",
                expected: "a service with ports"))
        return nil
    }

    private mutating func published(at place: Written.Part, _ ports: Written.Part) -> Destination? {
        guard let range = port(ports) else {
            _ = address(at: place)
            return nil
        }
        return address(at: place).map { .published($0, range) }
    }

    private mutating func address(at part: Written.Part) -> IPAddress? {
        guard let address = IPAddress(part.string) else {
            findings.add(
                .error(
                    .badAddress, at: part.span, "\(quoted(part.string)) is not an address",
                    expected: "an IPv6 address in the brackets"))
            return nil
        }
        guard !address.isUnspecified else {
            findings.add(
                .error(
                    .unspecifiedAddress, at: part.span,
                    "\(quoted(part.string)) stands for every address of the host, and nobody dials it",
                    expected: "an address of the host, or of a container",
                    help: "write the port alone: it is asked of every address"))
            return nil
        }
        // Dialled, it is the IPv4 address: a question about IPv6 packets to it is about none.
        if case .v6(let bits) = address,
            let problem = AddressAdvice.problem(.v6(bits.bits...bits.bits), part.string, at: part.span)
        {
            findings.add(problem)
            return nil
        }
        return address
    }

    private struct Names {
        var services: Set<String>
        var hostServices: Set<String>
    }

    private var names: Names {
        mutating get {
            // Asked for each line: thousands of services are gone through once.
            if serviceNames.isEmpty { serviceNames = Set(services.map { $0.service.name }) }
            return Names(services: serviceNames, hostServices: Set(hostServices.map { $0.service.name }))
        }
    }
}

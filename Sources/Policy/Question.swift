public import Addressing
public import Diagnostics
internal import Docker

/// Who would reach what: `FROM -> TO`, as `expect` and `explain` ask it.
public struct Question: Hashable, Sendable {
    public var clients: Clients
    public var destination: Destination
    /// The destination as it was written.
    public var text: String
}

/// FROM: a client, or many at once.
public struct Clients: Hashable, Sendable {
    /// As they were written.
    public var text: String
    public var addresses: AddressSet
}

/// TO.
public enum Destination: Hashable, Sendable {
    /// All that a service stands for: its ports, on its addresses, through its interfaces.
    case service(String)
    /// A service of the machine itself.
    case hostService(String)
    /// Published ports, dialled at this address of the host, or at any. The address may also be a container's own.
    case published(IPAddress?, PortRange)
    /// Ports of the machine itself.
    case machine(PortRange)
    /// All that a container publishes, and its own addresses.
    case container(String)
}

/// A test of the policy: one line of `expect`.
public struct Expectation: Hashable, Sendable {
    public enum Claim: String, Hashable, Sendable, CaseIterable {
        /// All of them get in by every door.
        case allow
        /// None of them gets in by any.
        case deny
        /// All of them get in, and nobody else does.
        case nobodyBut = "nobody but"
    }

    public var claim: Claim
    public var question: Question
    public var span: Span
}

extension ResolvedPolicy {
    /// What came of reading a question. Its diagnostics point into two texts, named `FROM` and `TO`.
    public struct QuestionReading: Sendable {
        /// Nil where there is any error.
        public var question: Question?
        public var diagnostics: [Diagnostic]
        public var sources: [SourceText]
    }

    /// Reads a question with the policy's names in it, and, where Docker was asked, those of containers.
    public func question(from: String, to: String) -> QuestionReading {
        var binder = Binder(naming: self)
        let clients = binder.clients(Written(argument: from, named: "FROM").all)
        let destination = binder.destination(
            Written(argument: to, named: "TO").all, containers: inventory.containers.map(\.name))
        var question: Question?
        if let clients, let destination {
            question = Question(clients: clients, destination: destination, text: to)
        }
        let diagnostics = binder.findings.sorted(files: ["FROM", "TO"])
        return QuestionReading(
            question: diagnostics.hasErrors ? nil : question, diagnostics: diagnostics,
            sources: [
                SourceText(file: "FROM", bytes: Array(from.utf8)), SourceText(file: "TO", bytes: Array(to.utf8)),
            ])
    }
}

extension Binder {
    /// With a policy's names, to read more texts that use them.
    fileprivate init(naming policy: ResolvedPolicy) {
        self.init(files: .inMemory([:]), findings: Findings(), sources: [], rootSpan: Span(start: "FROM"))
        groups = GroupGraph(policy.groups)
        services = policy.services.map { service in
            BoundService(
                service: service, publishSpan: service.span, ports: [], interfaceSpans: [], allowSpan: service.span)
        }
        hostServices = (policy.host?.services ?? []).map { service in
            BoundHostService(service: service, ports: [], allowSpan: service.span)
        }
    }
}

/// A text and where it was written, so that each part of it has a place of its own.
struct Written {
    let text: String
    let span: Span
    /// Whether it stands in the file as it is, with no quotes and escapes.
    let isPlain: Bool

    struct Part {
        let whole: Written
        let text: Substring

        var span: Span {
            guard whole.isPlain else { return whole.span }
            let start = whole.text.unicodeScalars.distance(from: whole.text.startIndex, to: text.startIndex)
            return whole.span.part(start..<start + text.unicodeScalars.count)
        }

        var string: String { String(text) }

        func with(_ text: Substring) -> Part { Part(whole: whole, text: text.trimmingBlanks) }
    }

    var all: Part { Part(whole: self, text: text[...].trimmingBlanks) }

    init(_ text: String, at span: Span, isPlain: Bool) {
        self.text = text
        self.span = span
        self.isPlain = isPlain
    }

    init(argument text: String, named name: String) {
        var span = Span(start: name)
        span.end.column += text.unicodeScalars.count
        self.init(text, at: span, isPlain: true)
    }
}

extension Substring {
    var trimmingBlanks: Substring {
        var text = self
        while text.first == " " { text.removeFirst() }
        while text.last == " " { text.removeLast() }
        return text
    }
}

/// What can be said about a place in a source text: a value, rendered elsewhere.
public struct Diagnostic: Hashable, Sendable {
    public enum Severity: String, Hashable, CaseIterable, Sendable {
        /// Nothing is applied.
        case error
        /// A lint: the policy means something, but likely not what was intended.
        case warning
        case note
    }

    /// A further place that the reader needs in order to understand the first.
    public struct Annotation: Hashable, Sendable {
        public var span: Span
        public var message: String

        public init(_ span: Span, _ message: String) {
            self.span = span
            self.message = message
        }
    }

    public var code: Code
    public var severity: Severity
    public var headline: String
    public var span: Span
    public var annotations: [Annotation]
    /// What could have stood at `span`.
    public var expected: String?
    /// What to do.
    public var help: String?
    /// How it came to that, a line each: the way of a packet, for one.
    public var details: [String] = []

    public init(
        _ severity: Severity, _ code: Code, at span: Span, _ headline: String, expected: String? = nil,
        help: String? = nil, annotations: [Annotation] = []
    ) {
        self.code = code
        self.severity = severity
        self.headline = headline
        self.span = span
        self.annotations = annotations
        self.expected = expected
        self.help = help
    }

    public static func error(
        _ code: Code, at span: Span, _ headline: String, expected: String? = nil, help: String? = nil,
        annotations: [Annotation] = []
    ) -> Self {
        Self(.error, code, at: span, headline, expected: expected, help: help, annotations: annotations)
    }

    public static func warning(
        _ code: Code, at span: Span, _ headline: String, expected: String? = nil, help: String? = nil,
        annotations: [Annotation] = []
    ) -> Self {
        Self(.warning, code, at: span, headline, expected: expected, help: help, annotations: annotations)
    }
}

extension Sequence<Diagnostic> {
    public var hasErrors: Bool { contains { $0.severity == .error } }
}

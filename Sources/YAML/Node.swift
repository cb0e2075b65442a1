public import Diagnostics

/// A node of a YAML text that knows where it was written. No types are guessed: a scalar is its text, so that `on` is a key,
/// `no` a name and `22:22` not a number of base 60.
public struct Node: Sendable {
    public enum Content: Sendable {
        case scalar(Scalar)
        case sequence([Node])
        case mapping([Entry])
    }

    public struct Scalar: Hashable, Sendable {
        public var text: String
        /// Written bare. An empty plain scalar is YAML's null: nothing was written.
        public var isPlain: Bool

        public init(_ text: String, isPlain: Bool) {
            self.text = text
            self.isPlain = isPlain
        }
    }

    /// An entry of a mapping, in the order of the file.
    public struct Entry: Sendable {
        public var key: String
        public var keySpan: Span
        public var value: Node

        public init(key: String, keySpan: Span, value: Node) {
            self.key = key
            self.keySpan = keySpan
            self.value = value
        }
    }

    public var content: Content
    public var span: Span

    public init(_ content: Content, span: Span) {
        self.content = content
        self.span = span
    }

    public var isNull: Bool {
        switch content {
        case .scalar(let scalar): scalar.isPlain && scalar.text.isEmpty
        case .sequence, .mapping: false
        }
    }
}

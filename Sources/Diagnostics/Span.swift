/// A place in a source text. Lines and columns count from one, a column in characters, as an editor shows them.
public struct Position: Hashable, Comparable, Sendable {
    public var line: Int
    public var column: Int

    public init(line: Int, column: Int) {
        self.line = line
        self.column = column
    }

    public static func < (left: Self, right: Self) -> Bool { (left.line, left.column) < (right.line, right.column) }
}

/// A stretch of a file, from its first character up to, not including, `end`.
public struct Span: Hashable, Sendable {
    public var file: String
    public var start: Position
    public var end: Position

    public init(file: String, start: Position, end: Position) {
        self.file = file
        self.start = start
        self.end = end
    }
}

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

extension Span {
    /// A file as a whole, when no place in it is to blame.
    public init(start file: String) {
        let start = Position(line: 1, column: 1)
        self.init(file: file, start: start, end: start)
    }

    /// A part of a one-line span, counted in characters from its start.
    public func part(_ range: Range<Int>) -> Span {
        guard start.line == end.line, start.column + range.upperBound <= end.column else { return self }
        var part = self
        part.start.column += range.lowerBound
        part.end.column = start.column + range.upperBound
        return part
    }
}

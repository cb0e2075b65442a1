internal import CLibYAML
internal import Diagnostics

/// What libyaml's parser says next.
struct Event {
    enum Kind {
        case streamStart
        case streamEnd
        case documentStart
        case documentEnd
        case alias(anchor: String)
        case scalar(Node.Scalar, anchor: String?)
        case sequenceStart(anchor: String?)
        case sequenceEnd
        case mappingStart(anchor: String?)
        case mappingEnd
    }

    var kind: Kind
    var tag: String?
    var start: Position
    var end: Position
}

/// Why libyaml stopped.
struct SyntaxError: Error {
    enum Place {
        case position(Position)
        case byte(Int)
    }

    var problem: String
    var place: Place
    var context: String?
    var contextPosition: Position?
}

/// The events of one YAML text. Owns libyaml's parser and the bytes that it reads.
@safe
struct EventStream: ~Copyable {
    private let parser: UnsafeMutablePointer<yaml_parser_t>
    private let input: UnsafeMutableBufferPointer<UInt8>

    init?(_ bytes: [UInt8]) {
        // SAFETY: both allocations belong to this value alone and are released by `deinit`, the parser before its input.
        unsafe parser = .allocate(capacity: 1)
        // SAFETY: `initialize` fills the memory that was just allocated; on failure nothing else has a claim to it.
        guard unsafe yaml_parser_initialize(parser) == 1 else {
            unsafe parser.deallocate()
            return nil
        }
        // SAFETY: the buffer has room for every byte of the array, and is written before libyaml reads it.
        unsafe input = .allocate(capacity: bytes.count)
        _ = unsafe input.initialize(from: bytes)
        // SAFETY: the input outlives the parser, as libyaml asks for.
        unsafe yaml_parser_set_input_string(parser, input.baseAddress, bytes.count)
        unsafe yaml_parser_set_encoding(parser, YAML_UTF8_ENCODING)
    }

    deinit {
        // SAFETY: initialised in `init`, deleted only here, and nobody else holds either pointer.
        unsafe yaml_parser_delete(parser)
        unsafe parser.deallocate()
        unsafe input.deallocate()
    }

    mutating func next() throws(SyntaxError) -> Event {
        // SAFETY: an all-zero event is what yaml_parser_parse starts from, and what yaml_event_delete accepts.
        var event = unsafe yaml_event_t()
        // SAFETY: the parser is initialised; libyaml fills the event, whose strings live until it is deleted below.
        guard unsafe yaml_parser_parse(parser, &event) == 1 else { throw syntaxError() }
        defer { unsafe yaml_event_delete(&event) }
        let start = unsafe Position(event.start_mark)
        let end = unsafe Position(event.end_mark)
        // SAFETY: the union's member that is read is the one that the event's type says is there; texts are copied.
        switch unsafe event.type {
        case YAML_STREAM_START_EVENT:
            return Event(kind: .streamStart, start: start, end: end)
        case YAML_DOCUMENT_START_EVENT:
            return Event(kind: .documentStart, start: start, end: end)
        case YAML_DOCUMENT_END_EVENT:
            return Event(kind: .documentEnd, start: start, end: end)
        case YAML_ALIAS_EVENT:
            let anchor = unsafe text(event.data.alias.anchor) ?? ""
            return Event(kind: .alias(anchor: anchor), start: start, end: end)
        case YAML_SCALAR_EVENT:
            let scalar = unsafe event.data.scalar
            let bytes = unsafe UnsafeBufferPointer(start: scalar.value, count: scalar.length)
            let content = unsafe Node.Scalar(
                String(decoding: bytes, as: UTF8.self), isPlain: scalar.style == YAML_PLAIN_SCALAR_STYLE)
            return unsafe Event(
                kind: .scalar(content, anchor: text(scalar.anchor)), tag: text(scalar.tag), start: start, end: end)
        case YAML_SEQUENCE_START_EVENT:
            let sequence = unsafe event.data.sequence_start
            return unsafe Event(
                kind: .sequenceStart(anchor: text(sequence.anchor)), tag: text(sequence.tag), start: start, end: end)
        case YAML_SEQUENCE_END_EVENT:
            return Event(kind: .sequenceEnd, start: start, end: end)
        case YAML_MAPPING_START_EVENT:
            let mapping = unsafe event.data.mapping_start
            return unsafe Event(
                kind: .mappingStart(anchor: text(mapping.anchor)), tag: text(mapping.tag), start: start, end: end)
        case YAML_MAPPING_END_EVENT:
            return Event(kind: .mappingEnd, start: start, end: end)
        default:
            // YAML_NO_EVENT is what libyaml answers after the end of the stream.
            return Event(kind: .streamEnd, start: start, end: end)
        }
    }

    /// libyaml's texts end with a NUL and are its own to release: they are copied at once.
    private func text(_ pointer: UnsafeMutablePointer<yaml_char_t>?) -> String? {
        guard let pointer = unsafe pointer else { return nil }
        // SAFETY: a non-null text of an event is NUL-terminated, and the event is alive while this runs.
        return unsafe String(cString: pointer)
    }

    private func syntaxError() -> SyntaxError {
        // SAFETY: after a failure the parser's error fields are set; the two texts are C literals, never released.
        let problem = unsafe parser.pointee.problem.map { unsafe String(cString: $0) } ?? ""
        let context = unsafe parser.pointee.context.map { unsafe String(cString: $0) }
        let place: SyntaxError.Place =
            unsafe parser.pointee.error == YAML_READER_ERROR
            ? .byte(Int(clamping: parser.pointee.problem_offset))
            : .position(Position(parser.pointee.problem_mark))
        return unsafe SyntaxError(
            problem: parser.pointee.error == YAML_MEMORY_ERROR ? "out of memory" : problem, place: place,
            context: context, contextPosition: context == nil ? nil : Position(parser.pointee.context_mark))
    }
}

extension Position {
    /// libyaml counts both from zero.
    fileprivate init(_ mark: yaml_mark_t) {
        self.init(line: Int(clamping: mark.line) + 1, column: Int(clamping: mark.column) + 1)
    }
}

internal import CNftnl
internal import Nftables

/// The attributes of one expression by their numbers, for a reader that asks for them in its own order.
struct ExpressionFields {
    private let values: [UInt32: [UInt8]]

    init(_ nest: RawSpan) throws(MalformedMessage) {
        var values: [UInt32: [UInt8]] = [:]
        var attributes = AttributeCursor(nest)
        while let attribute = try attributes.next() { values[attribute.type] = attribute.payload.array() }
        self.values = values
    }

    init() { values = [:] }

    /// Of an element of `NFTA_RULE_EXPRESSIONS`, with the expression's name. What a module of iptables has there is its own.
    static func named(_ element: RawSpan) throws(MalformedMessage) -> (name: String, fields: Self) {
        var (name, fields) = ("", Self())
        var attributes = AttributeCursor(element)
        while let attribute = try attributes.next() {
            switch attribute.type {
            case NFTA_EXPR_NAME.rawValue: name = attribute.payload.text()
            case NFTA_EXPR_DATA.rawValue: fields = try Self(attribute.payload)
            default: break
            }
        }
        return (name, fields)
    }

    func has(_ attribute: UInt32) -> Bool { values[attribute] != nil }

    /// Whether all of them are known: one that is not may change what the expression does.
    func areAmong(_ known: [UInt32]) -> Bool { values.keys.allSatisfy(known.contains) }

    func bytes(_ attribute: UInt32) -> [UInt8]? { values[attribute] }

    // SAFETY, here and below: any bytes are valid bytes.
    func text(_ attribute: UInt32) -> String? { values[attribute].map { unsafe $0.span.bytes.text() } }

    func number<Number: FixedWidthInteger & BitwiseCopyable>(
        _ attribute: UInt32, _ type: Number.Type = UInt32.self
    ) throws(MalformedMessage) -> Number? {
        guard let value = values[attribute] else { return nil }
        return try unsafe value.span.bytes.networkOrder(type)
    }

    /// As a word of the register machine.
    func register(_ attribute: UInt32) throws(MalformedMessage) -> Int? {
        guard let number = try number(attribute) else { return nil }
        return Register(kernelNumber: number)?.word
    }

    func data(_ attribute: UInt32) throws(MalformedMessage) -> [UInt8]? {
        guard let value = values[attribute] else { return nil }
        return try unsafe value.span.bytes.value()
    }

    func verdict(_ attribute: UInt32) throws(MalformedMessage) -> ForeignVerdict? {
        guard let value = values[attribute] else { return nil }
        return try unsafe value.span.bytes.foreignVerdict()
    }
}

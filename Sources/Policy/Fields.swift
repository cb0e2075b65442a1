internal import Diagnostics
internal import YAML

/// The entries of a mapping whose keys are all known. A value that is missing has been reported.
struct Fields {
    var values: [String: Node] = [:]
    var keys: [String: Span] = [:]

    subscript(_ key: String) -> Node? { values[key] }

    /// Written, with or without a value that can be used.
    func has(_ key: String) -> Bool { keys[key] != nil }
}

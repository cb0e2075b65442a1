internal import YAML

extension Node {
    /// What it is, as a sentence says it.
    var kind: String {
        switch content {
        case .scalar(let scalar): isNull ? "nothing" : scalar.isPlain ? "a plain value" : "a quoted text"
        case .sequence: "a list"
        case .mapping: "a mapping"
        }
    }

    var scalarText: String? {
        switch content {
        case .scalar(let scalar): isNull ? nil : scalar.text
        case .sequence, .mapping: nil
        }
    }
}

internal import Console
internal import Diagnostics
internal import Policy
internal import Presentation

/// A policy file, read, and whatever there was to say about it.
struct PolicyFile {
    let path: String
    let loaded: LoadedPolicy

    var policy: ResolvedPolicy? { loaded.policy }

    static func load(_ path: String) -> Self {
        Self(path: path, loaded: ResolvedPolicy.load(path: path, files: .disk))
    }

    /// The policy and what it becomes; every diagnostic is reported, and an error ends the command.
    static func target(_ path: String, _ style: DiagnosticOptions.Style) throws -> PolicyTarget {
        let file = load(path)
        file.report(style, coloured: false)
        guard let policy = file.policy else { throw file.status }
        return PolicyTarget(path: path, policy: policy)
    }

    /// How a command ends when there is no policy.
    var status: ExitStatus { .no }

    func report(_ style: DiagnosticOptions.Style, coloured: Bool) {
        for d in loaded.diagnostics { Console.report("\(d)") }
    }

    func json() throws -> String { "" }
}

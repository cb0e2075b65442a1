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

    /// The policy and what it becomes. Every diagnostic is reported, and an error ends the command.
    static func target(_ path: String, _ options: DiagnosticOptions) throws -> PolicyTarget {
        let file = load(path)
        file.report(options)
        guard let policy = file.policy else { throw file.status }
        return PolicyTarget(path: path, policy: policy)
    }

    /// How a command ends when there is no policy: a file that is wrong is a no, one that cannot be read leaves it open.
    var status: ExitStatus {
        loaded.diagnostics.contains { $0.code == .fileUnreadable && $0.span.file == path } ? .trouble : .no
    }

    func report(_ options: DiagnosticOptions) {
        guard !loaded.diagnostics.isEmpty else { return }
        let text = DiagnosticText(options.diagnostics.style, coloring: options.isColoured ? .ansi : .plain)
        Console.write(Array(text.render(loaded.diagnostics, sources: loaded.sources).utf8), to: .error)
    }

    var json: String { DiagnosticJSON.render(loaded.diagnostics) }
}

extension DiagnosticOptions.Style {
    fileprivate var style: DiagnosticText.Style {
        switch self {
        case .full: .full
        case .concise: .concise
        }
    }
}

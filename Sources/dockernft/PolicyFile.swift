internal import Console
internal import Diagnostics
internal import Policy
internal import Presentation
internal import State

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
        try load(path).target(options)
    }

    func target(_ options: DiagnosticOptions) throws -> PolicyTarget {
        report(options)
        guard let policy else { throw status }
        return PolicyTarget(path: path, policy: policy)
    }

    /// The same from what was kept of it, whatever has become of the files.
    init(_ texts: KeptPolicy.Texts) {
        path = texts.path
        loaded = ResolvedPolicy.load(path: path, files: .inMemory(texts.files))
    }

    init(path: String, loaded: LoadedPolicy) {
        self.path = path
        self.loaded = loaded
    }

    /// From which the same can be made again.
    func texts(of target: PolicyTarget) -> KeptPolicy.Texts {
        KeptPolicy.Texts(
            path: path, files: Dictionary(loaded.sources.map { ($0.file, $0.bytes) }) { first, _ in first },
            digest: target.digest)
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

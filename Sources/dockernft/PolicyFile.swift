internal import Console
internal import Diagnostics
internal import Docker
internal import DockerSocket
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

    /// The policy, where it has no error: otherwise that is reported, and ends the command. Warnings wait for `target`.
    static func read(_ path: String, _ options: DiagnosticOptions) throws -> Self {
        let file = load(path)
        guard file.policy != nil else {
            file.report(options)
            throw file.status
        }
        return file
    }

    /// What the policy becomes with what is known of Docker, on the host of the session if there is one. Every diagnostic is reported,
    /// and an error ends the command.
    func target(
        _ sighting: Sighting, on session: KernelSession? = nil, _ options: DiagnosticOptions
    ) throws -> PolicyTarget {
        let file = try resolved(sighting, kept: session?.inventory)
        guard let policy = file.policy else {
            file.report(options)
            throw file.status
        }
        let target = try PolicyTarget(path: path, policy: policy, on: session)
        let tested = file.tested(target)
        tested.report(options)
        guard tested.policy != nil else { throw ExitStatus.no }
        for line in target.uncovered { Console.report("dockernft: note: \(line)") }
        return target
    }

    /// The same policy with every name of Docker's followed.
    func resolved(_ sighting: Sighting, kept: Inventory? = nil) throws -> Self {
        switch sighting {
        case .notAsked: return Self(path: path, loaded: loaded.resolvedWithoutDocker)
        case .seen(let inventory): return resolved(against: inventory)
        case .absent(let socket):
            try refuseSelecting("there is no \(socket)")
            return resolved(against: kept ?? Inventory())
        case .unreachable(let error, let isDemanded):
            try refuseSelecting("\(error)")
            if isDemanded {
                Console.report("dockernft: \(error); nothing is changed")
                throw ExitStatus.trouble
            }
            Console.report(
                "dockernft: note: \(error); "
                    + (kept == nil ? "what it publishes is not known" : "what it ran at the last apply is taken"))
            return resolved(against: kept ?? Inventory())
        }
    }

    func resolved(against inventory: Inventory) -> Self {
        Self(path: path, loaded: loaded.resolved(against: inventory))
    }

    /// Who cannot ask Docker has nothing to put for a service that only Docker knows the ports of.
    private func refuseSelecting(_ reason: String) throws {
        let names = (policy?.selecting ?? []).map { "\($0.name) (\($0.span.file):\($0.span.start.line))" }
        guard !names.isEmpty else { return }
        Console.report("dockernft: Docker cannot be asked what the policy names by its containers: \(reason)")
        Console.report("dockernft: needed by \(names.joined(separator: ", "))")
        Console.report(
            "dockernft: nothing is changed. Start Docker, name its socket with --docker, or have --docker none let nobody in there"
        )
        throw ExitStatus.trouble
    }

    /// How a command ends when there is no policy: a file that is wrong is a no, one that cannot be read leaves it open.
    var status: ExitStatus {
        loaded.diagnostics.contains { $0.code == .fileUnreadable && $0.span.file == path } ? .trouble : .no
    }

    func report(_ options: DiagnosticOptions) {
        guard !loaded.diagnostics.isEmpty else { return }
        let text = DiagnosticText(options.diagnostics.style, coloring: options.isColoured ? .ansi : .plain)
        Console.report(Array(text.render(loaded.diagnostics, sources: loaded.sources).utf8))
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

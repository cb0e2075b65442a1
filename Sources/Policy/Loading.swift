public import Diagnostics
internal import YAML

/// What came of reading a policy.
public struct LoadedPolicy: Sendable {
    /// Nil when there is any error: a policy is applied whole or not at all.
    public var policy: ResolvedPolicy?
    public var diagnostics: [Diagnostic]
    /// Every text that was read, those that the diagnostics cite among them: from these alone it can be loaded again.
    public var sources: [SourceText]

    public init(policy: ResolvedPolicy?, diagnostics: [Diagnostic], sources: [SourceText]) {
        self.policy = policy
        self.diagnostics = diagnostics
        self.sources = sources
    }
}

extension ResolvedPolicy {
    /// Reads the policy at `path` and every file that it names, and follows every name in it. Nothing is thrown: whatever is
    /// wrong is among the diagnostics, all of it at once.
    public static func load(path: String, files: SourceFiles) -> LoadedPolicy {
        var inclusion = Inclusion(files: files)
        inclusion.read(root: path)
        var binder = Binder(
            files: files, findings: inclusion.findings, sources: inclusion.sources, rootSpan: Span(start: path))
        var policy: ResolvedPolicy?
        if inclusion.hasRoot {
            policy = binder.policy(inclusion.entries)
        }
        if binder.findings.hasErrors { policy = nil }
        let diagnostics = binder.findings.sorted(files: binder.sources.map { $0.file })
        return LoadedPolicy(policy: policy, diagnostics: diagnostics, sources: binder.sources)
    }
}

extension SourceFiles.Failure {
    func diagnostic(for path: String, at span: Span?, limit: Int) -> Diagnostic {
        let place = span ?? Span(start: path)
        switch self {
        case .missing:
            let isPattern = path.contains("*") || path.contains("?")
            return .error(
                .fileUnreadable, at: place, "there is no file \(quoted(path, limit: 200))",
                expected: "a file that exists",
                help: isPattern
                    ? "a file is named by its name, not by a pattern; write a list of names"
                    : span == nil
                        ? "give the policy's path as an argument, or create the file"
                        : "a relative path starts at the file that names it")
        case .isDirectory:
            return .error(
                .fileUnreadable, at: place, "\(quoted(path, limit: 200)) is a directory", expected: "a file",
                help: "name the files in it one by one")
        case .denied:
            return .error(
                .fileUnreadable, at: place, "\(quoted(path, limit: 200)) may not be read by this user",
                expected: "a file that may be read", help: "run as root, or make the file readable")
        case .tooLarge:
            return .error(
                .fileTooLarge, at: place, "\(quoted(path, limit: 200)) has more than \(limit >> 20) MiB",
                expected: "at most \(limit >> 20) MiB",
                help: limit == Node.maximumSize
                    ? "put long lists of addresses into files, one address a line, and name them with `file:`"
                    : "a group holds at most 1,000,000 addresses: merge them into prefixes")
        case .unreadable(let reason):
            return .error(
                .fileUnreadable, at: place, "\(quoted(path, limit: 200)) cannot be read: \(reason)",
                expected: "a file that may be read")
        }
    }
}

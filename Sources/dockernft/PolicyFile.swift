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
}

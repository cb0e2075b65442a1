internal import Files

extension SourceFiles {
    /// The file system. Pipes are read too, for `<(...)` of a shell.
    public static var disk: Self {
        Self { path, limit in
            do throws(File.Failure) {
                return .success(try File.read(path, atMost: limit))
            } catch {
                return .failure(Failure(error))
            }
        }
    }
}

extension SourceFiles.Failure {
    fileprivate init(_ failure: File.Failure) {
        switch failure.kind {
        case .missing: self = .missing
        case .isDirectory: self = .isDirectory
        case .denied: self = .denied
        case .tooLarge: self = .tooLarge
        case .other: self = .unreadable(reason: failure.reason)
        }
    }
}

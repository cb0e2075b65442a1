import Glibc

extension Place {
    /// What `inspect` of an engine is asked for a container's place.
    static let inspected = "{{.State.Pid}} {{.HostConfig.NetworkMode}}"

    /// The network namespace that a running container is in, which gets a name that begins with `prefix`.
    init(of container: String, inspected text: String, prefix: String) throws {
        let process = text.split(whereSeparator: \.isWhitespace)
        guard process.count == 2, process[0] != "0" else { throw BenchError("\(container) does not run") }
        if process[1] == "host" {
            self = .host
            return
        }
        let namespace = NetworkNamespace(name: "\(prefix)-\(container)-\(process[0])")
        // The path is read during the call only.
        if unsafe access(namespace.path, F_OK) != 0 {
            try Program(["ip", "netns", "attach", namespace.name, String(process[0])]).run().orThrow()
        }
        self = .namespace(namespace)
    }
}

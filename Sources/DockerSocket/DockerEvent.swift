/// Something that an engine has done. Only what can change an `Inventory` is told.
public struct DockerEvent: Hashable, Sendable {
    public enum Subject: Hashable, Sendable {
        /// The first of a stream: from now on nothing is missed. An inventory that is asked for after it is up to date.
        case subscription
        case container
        case network
        case daemon
    }

    public var subject: Subject
    /// `start`, `die`, `connect`, …; empty for a subscription
    public var action: String
    /// Of the container or network.
    public var id: String
    public var name: String
    /// Whose container it is about: of a network's `connect` and `disconnect`, the one that is connected.
    public var container: String?

    public init(subject: Subject, action: String = "", id: String = "", name: String = "", container: String? = nil) {
        self.subject = subject
        self.action = action
        self.id = id
        self.name = name
        self.container = container
    }

    /// The container that is about to run. After `create` the engine can be asked for it, unless it is started at once, as
    /// `docker run` does; after `connect` it answers when the process runs.
    public var starting: String? {
        switch (subject, action) {
        case (.container, "create"), (.container, "init"), (.network, "connect"): container
        case _: nil
        }
    }

    /// Those that can change an inventory. Health checks (`exec_start`, `health_status`) wake nobody.
    static let actions = [
        "start", "init", "die", "died", "destroy", "remove", "rename", "create", "connect", "disconnect", "reload",
    ]
    static let subjects: [String: Subject] = ["container": .container, "network": .network, "daemon": .daemon]
}

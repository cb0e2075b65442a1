internal import ArgumentParser
internal import Compiler
internal import Console
internal import FoundationEssentials
internal import State

struct PolicyArgument: ParsableArguments {
    static let standardPath = "/etc/dockernft/policy.yaml"

    @Argument(
        help: ArgumentHelp("The policy file.", valueName: "policy"), completion: .file(extensions: ["yaml", "yml"]))
    var path = PolicyArgument.standardPath
}

struct KernelOptions: ParsableArguments {
    @Option(
        name: .customLong("namespace"),
        help: ArgumentHelp(
            "Act in this network namespace: a name of ip-netns(8), or a file.", valueName: "name|path"))
    var namespaceName: String?

    @Option(
        help: ArgumentHelp("Where is kept what was applied last.", valueName: "directory"), completion: .directory)
    var runtimeDirectory = RuntimeDirectory.standard

    @Option(
        help: ArgumentHelp("Where the policies are kept that were applied before.", valueName: "directory"),
        completion: .directory)
    var stateDirectory = History.standard

    var namespacePath: String? {
        namespaceName.map(Self.path(ofNamespace:))
    }

    static func path(ofNamespace name: String) -> String { name.contains("/") ? name : "/run/netns/\(name)" }

    var directory: RuntimeDirectory { RuntimeDirectory(path: runtimeDirectory) }

    /// Each network namespace has one of its own.
    var history: History {
        let history = History(path: stateDirectory)
        return namespacePath.map(history.namespace) ?? history
    }
}

struct OutputOptions: ParsableArguments {
    @Flag(help: "For a program to read: the schema is in docs/json.md.")
    var json = false
}

struct ColourOptions: ParsableArguments {
    @Flag(help: "No colour, as with NO_COLOR in the environment.")
    var noColor = false

    /// https://no-color.org: set, to anything but nothing.
    func isColoured(_ stream: Console.Stream) -> Bool {
        let forbidden = ProcessInfo.processInfo.environment["NO_COLOR"].map { !$0.isEmpty } ?? false
        return !noColor && !forbidden && stream.isTerminal
    }
}

struct DiagnosticOptions: ParsableArguments {
    enum Style: String, ExpressibleByArgument, CaseIterable {
        case full
        case concise
    }

    @Option(help: "How diagnostics are shown.")
    var diagnostics = Style.full

    @OptionGroup var colour: ColourOptions

    var isColoured: Bool { colour.isColoured(.error) }
}

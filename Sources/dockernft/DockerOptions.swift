internal import ArgumentParser
internal import Docker
internal import DockerSocket
internal import FoundationEssentials

struct DockerOptions: ParsableArguments {
    @Option(
        name: .customLong("docker"),
        help: ArgumentHelp(
            "Which engine is asked: the one of DOCKER_HOST or of \(DockerChoice.standardPath), none, or the one of a socket.",
            valueName: "auto|none|socket"),
        transform: DockerChoice.argument)
    var choice = DockerChoice.auto

    func look() -> Sighting { choice.look() }
}

extension DockerChoice {
    static func argument(_ text: String) throws -> Self {
        do throws(DockerError) {
            return try DockerChoice(text)
        } catch {
            throw ValidationError("\(error)")
        }
    }

    /// Asks the engine. Whoever does not need to know does not call it: then no socket is opened and no thread started.
    func look() -> Sighting {
        do throws(DockerError) {
            switch self {
            case .none: return .notAsked
            case .socket(let path): return .seen(try DockerSocket(path: path).inventory())
            case .auto: return try Self.lookAround()
            }
        } catch {
            switch self {
            case .socket: return .unreachable(error, isDemanded: true)
            case .none, .auto: return .unreachable(error, isDemanded: false)
            }
        }
    }

    /// Without DOCKER_HOST a host without a socket is a host without Docker: that is no error.
    private static func lookAround() throws(DockerError) -> Sighting {
        if let address = ProcessInfo.processInfo.environment["DOCKER_HOST"], !address.isEmpty {
            return .seen(try DockerSocket(path: try DockerChoice.path(address)).inventory())
        }
        do throws(DockerError) {
            return .seen(try DockerSocket(path: DockerChoice.standardPath).inventory())
        } catch {
            guard error.problem == .noSocket else { throw error }
            return .absent(path: error.path)
        }
    }
}

/// What a command knows of Docker.
enum Sighting {
    /// `--docker none`
    case notAsked
    /// Nobody named an engine, and there is none.
    case absent(path: String)
    /// `isDemanded`: its very socket was named, so that there is no going on without it.
    case unreachable(DockerError, isDemanded: Bool)
    case seen(Inventory)

    /// The same without what only holds until Docker restarts.
    var withoutProxyGroup: Self {
        guard case .seen(var inventory) = self else { return self }
        inventory.proxyGroup = nil
        return .seen(inventory)
    }
}

internal import Addressing
internal import Console
internal import Docker
internal import DockerSocket
internal import Files
internal import NftablesKernel
internal import Recording
internal import Verification

/// What stands for Docker while a policy is tried, and what it runs.
struct DockersPart {
    var sighting: Sighting
    var rules: DockerRules
    /// Nil where no host's rules are tried.
    var engine: EngineRules?

    /// Nil where Docker is not to be asked: its rules are of no use without knowing what they are for.
    static func look(_ docker: DockerOptions, _ namespace: String?) -> Result<HostOfDocker, NetlinkError>? {
        if case .none = docker.choice { return nil }
        do throws(NetlinkError) { return .success(try HostOfDocker.read(namespace: namespace)) } catch {
            return .failure(error)
        }
    }

    /// `isDemanded`: the namespace was named, so that there is no going on without it.
    init(_ docker: DockerOptions, _ host: Result<HostOfDocker, NetlinkError>?, isDemanded: Bool) throws {
        sighting = docker.look()
        switch host {
        case nil: rules = .own(because: "Docker is not asked")
        case .failure(let error) where isDemanded && !error.isMissingPrivilege: throw error
        case .failure(let error):
            rules = .own(
                because: error.isMissingPrivilege
                    ? "those of this host are not readable without CAP_NET_ADMIN" : "those of this host: \(error)")
        case .success(let host):
            do throws(Lack) {
                engine = try Self.engine(host, sighting)
                rules = .ofHost(tables: host.tables.tables)
            } catch {
                rules = .own(because: error.what)
            }
        }
    }

    init(recordedIn path: String) throws {
        let recording = try Recording.read(path)
        sighting = .seen(recording.inventory)
        rules = .recorded(path: path, tables: recording.tables.tables)
        do throws(TableDump.Malformed) {
            engine = EngineRules(
                try ForeignRules(recording.tables), interfaces: recording.interfaces.map(\.description))
        } catch {
            Console.report("dockernft: \(path): \(error.what)")
            throw ExitStatus.trouble
        }
    }

    /// Why a host's rules are not tried.
    private struct Lack: Error {
        var what: String
    }

    private static func engine(_ host: HostOfDocker, _ sighting: Sighting) throws(Lack) -> EngineRules {
        guard case .seen(let inventory) = sighting else { throw Lack(what: "there is no Docker on this host to ask") }
        if let lack = host.lack { throw Lack(what: lack) }
        guard inventory.hasContainersOnBridges else { throw Lack(what: "no container is on a bridge of this host") }
        do throws(TableDump.Malformed) {
            return EngineRules(try ForeignRules(host.tables), interfaces: host.interfaces.map(\.description))
        } catch {
            throw Lack(what: "those of this host are not understood: \(error.what)")
        }
    }

    // MARK: Recording

    static func write(_ path: String, _ docker: DockerOptions, _ namespace: String?) throws {
        let host = try HostOfDocker.read(namespace: namespace)
        guard case .seen(let inventory) = docker.look() else {
            throw refused("there is no Docker to ask what it runs: start it, or name its socket with --docker")
        }
        if let lack = host.lack { throw refused(lack) }
        let recording = Recording(inventory: inventory, interfaces: host.interfaces, tables: host.tables)
        do throws(File.Failure) { try File.replace(path, with: recording.encoded()) } catch {
            throw refused("\(error)")
        }
        let tables = host.tables.tables.joined(separator: ", ")
        try Console.conclude(
            "\(path): Docker's rules (\(tables)) and \(inventory.containers.count) containers, for: dockernft verify --recorded \(path)"
        )
    }

    private static func refused(_ why: String) -> ExitStatus {
        Console.report("dockernft: nothing is recorded: \(why)")
        return .trouble
    }
}

extension Inventory {
    fileprivate var hasContainersOnBridges: Bool {
        containers.flatMap(\.attachments).contains { network(id: $0.network)?.bridge != nil }
    }
}

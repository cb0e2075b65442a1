internal import Addressing
internal import Console
internal import Docker
internal import Files
internal import HostRules
internal import NftablesKernel
internal import Recording
internal import Verification

/// What of a host's network matters to whoever tries policies with its own rules of Docker.
struct HostOfDocker {
    var tables: TableDump
    var interfaces: [InterfaceName]
    /// Docker may have its rules where nobody can read them by netlink.
    var hasLegacyTables: Bool

    /// Reads that of the network namespace, or of the process's own; this without starting a thread.
    static func read(namespace: String?) throws(NetlinkError) -> Self {
        var connection = try KernelConnection(namespace: namespace)
        let tables = try connection.readDockerTables()
        let network = try HostNetwork.read(namespace: namespace)
        return Self(
            tables: tables, interfaces: network.waysIn,
            hasLegacyTables: !network.legacyTables4.isEmpty || !network.legacyTables6.isEmpty)
    }

    /// Why there is nothing to be tried; nil where there is.
    var lack: String? {
        guard tables.messages.isEmpty else { return nil }
        return hasLegacyTables
            ? "Docker's rules on this host are of the older iptables (legacy), which cannot be read"
            : "no Docker rules on this host"
    }
}

extension HostNetwork {
    /// Interfaces with an address, those of default routes first, without loopback, bridges and what is plugged into them.
    fileprivate var waysIn: [InterfaceName] {
        let byDefault = Set(routes.filter { $0.prefixLength == 0 && $0.table == 254 }.compactMap(\.interface))
        let bridges = Set(interfaces.filter { $0.kind == "bridge" }.map(\.index))
        let all = interfaces.filter { interface in
            interface.isUp && interface.name != "lo" && !bridges.contains(interface.index)
                && !(interface.master.map(bridges.contains) ?? false) && !interface.addresses.isEmpty
        }
        let sorted = all.filter { byDefault.contains($0.index) } + all.filter { !byDefault.contains($0.index) }
        return sorted.prefix(Recording.interfaceLimit).compactMap { try? InterfaceName($0.name) }
    }
}

extension Recording {
    private static let sizeLimit = 64 << 20

    static func read(_ path: String) throws(ExitStatus) -> Self {
        let bytes: [UInt8]
        do throws(File.Failure) { bytes = try File.read(path, atMost: sizeLimit) } catch {
            Console.report("dockernft: the recording cannot be read: \(error)")
            throw .trouble
        }
        do throws(Malformed) { return try Recording(bytes: bytes) } catch {
            Console.report("dockernft: \(path):\(error.line): \(error.what)")
            Console.report("dockernft: make it anew on the host, with: dockernft verify --record FILE")
            throw .trouble
        }
    }
}

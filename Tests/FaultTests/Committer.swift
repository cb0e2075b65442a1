import Glibc
import TestSupport

/// Somebody who changes tables of the namespace, not ours, for as long as a test runs.
struct Committer {
    private let program: RunningProgram

    /// Stops for a while, so that what is in force can be looked at in peace.
    func resting<Value>(_ body: () throws -> Value) rethrows -> Value {
        program.signal(SIGSTOP)
        defer { program.signal(SIGCONT) }
        return try body()
    }

    /// With iptables too, as Docker does, and pauses in which an apply may slip through; or with nft alone, and none.
    static func during<Value>(
        _ namespace: NetworkNamespace, usingIptables: Bool = true, _ body: (Committer) throws -> Value
    ) throws -> Value {
        let iptables =
            "iptables-nft -A INPUT -s 192.0.2.99 -j DROP; iptables-nft -D INPUT -s 192.0.2.99 -j DROP; sleep 0.04"
        let loop = """
            while :; do
              nft -f - <<'END'
            table inet neighbour
            delete table inet neighbour
            table inet neighbour { set s { type ipv4_addr; elements = { 192.0.2.1, 192.0.2.2 }; }; chain c { ip saddr @s drop; }; }
            END
              \(usingIptables ? iptables : "")
            done
            """
        let program = try namespace.enter { try Program(["sh", "-c", loop]).launch() }
        defer {
            program.signal(SIGKILL)
            _ = try? program.end()
        }
        return try body(Committer(program: program))
    }
}

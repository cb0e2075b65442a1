import Compiler
import Glibc
import NftablesKernel
import TestSupport
import Testing

@Suite(.serialized, .requiresPackets) struct `A hundred switches` {
    @Test func `lose nothing that both policies allow, while nft lists the table without an error`() throws {
        try TrialHost.with { trial in
            let installation = trial.installation
            try installation.apply(TrialHost.before)
            let staying = try trial.streams(of: 9)
            let knocks = try trial.knocks()
            var connection = try KernelConnection(namespace: installation.namespace.path)
            var counted: UInt64 = 0
            let loop = "while :; do nft list table inet dockernft >/dev/null || exit 1; done"
            let listing = try installation.namespace.enter { try Program(["sh", "-c", loop]).launch() }
            defer { listing.signal(SIGKILL) }
            var isAfter = false
            for number in 0..<50 {
                let target = isAfter ? TrialHost.before : TrialHost.after
                try installation.write(target)
                let isExpiry = number % 5 == 4
                try installation.run("apply", "--confirm-within", isExpiry ? "1s" : "10m").orThrow()
                if isExpiry {
                    try trial.wait(for: "the expiry") { try installation.run("status").output.contains("is up and") }
                } else if number % 2 == 0 {
                    try installation.run("confirm").orThrow()
                    isAfter.toggle()
                } else {
                    try installation.run("rollback").orThrow()
                }
                let counters = try #require(try connection.readCounters(table: Compiler.tableName))
                let allowed = try #require(counters["service-db-allowed"]).packets
                #expect(allowed >= counted, "a counter goes on, whatever becomes of a policy")
                counted = allowed
            }
            #expect(counted > 0)
            trial.pause(.milliseconds(200))
            #expect(trial.isSilent(knocks) != isAfter)
            #expect(listing.isRunning)
            for stream in staying { #expect(stream.lost() == .none) }
        }
    }
    @Test func `lose nothing of a flood, of which there is always a packet between the rules and their sets`() throws {
        try TrialHost.with { trial in
            let installation = trial.installation
            // Nobody answers there; what others than we make of it comes behind our rules.
            try installation.nft("add", "table", "ip", "flood")
            try installation.nft("add chain ip flood before { type nat hook prerouting priority -101; }")
            try installation.nft("add rule ip flood before udp dport 8090 dnat to 172.17.0.2:9")
            try installation.apply(TrialHost.before)
            let flood = try trial.host.client.enter {
                try Program([
                    "socat", "-b16", "-u", "/dev/zero", "UDP4-DATAGRAM:192.0.2.1:8090,bind=203.0.113.7",
                ]).launch()
            }
            defer { flood.signal(SIGKILL) }
            var connection = try KernelConnection(namespace: installation.namespace.path)
            func packets(_ counter: String) throws -> UInt64 {
                try #require(try connection.readCounters(table: Compiler.tableName)?[counter]).packets
            }
            try trial.wait(for: "the flood") { try packets("service-other-allowed") > 10_000 }
            try installation.write(TrialHost.after)
            for _ in 0..<25 {
                try installation.run("apply", "--confirm-within", "10m").orThrow()
                try installation.run("rollback").orThrow()
            }
            #expect(flood.isRunning)
            #expect(try packets("unlisted-refused") == 0)
            #expect(try packets("service-other-refused") == 0)
        }
    }
}

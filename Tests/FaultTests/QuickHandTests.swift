import Glibc
import TestSupport
import Testing

@Suite(.serialized, .requires(.root, .program("ip"), .nft)) struct `Somebody quicker than we are` {
    private static let one = "version: 1\nservices:\n  web: { publish: 8080, allow: [192.0.2.9] }\n"
    private static let two = "version: 1\nservices:\n  web: { publish: 8080, allow: [192.0.2.9, 192.0.2.10] }\n"
    /// So often somebody may be too slow.
    private static let attempts = 300

    @Test(arguments: [
        (
            "delete table inet dockernft", "somebody has deleted it since",
            "nothing is on trial, and neither the new rules nor those of before"
        ),
        (
            "add chain inet dockernft theirs", "somebody has changed it since",
            "The policy is on trial: the kernel takes it back in 10 min"
        ),
    ])
    func `with a policy on trial does not hide that it was one`(command: String, sign: String, trial: String) throws {
        try Installation.with("quick") { installation in
            try installation.write(Self.one)
            let loop = "while :; do nft \(command) 2>/dev/null; done"
            let quick = try installation.namespace.enter { try Program(["sh", "-c", loop]).launch() }
            defer {
                quick.signal(SIGKILL)
                _ = try? quick.end()
            }
            for _ in 0..<Self.attempts {
                try installation.nft("flush", "ruleset")
                let result = try installation.run("apply", "--confirm-within", "10m")
                guard result.error.contains(sign) else { continue }
                #expect(result.status == 2 && result.error.contains(trial), "\(result)")
                return
            }
            throw BenchError("nobody was ever quick enough")
        }
    }

    @Test func `does not have confirmed what nobody tried`() throws {
        try Installation.with("slipped") { installation in
            for attempt in 0..<40 {
                try installation.nft("flush", "ruleset")
                try installation.apply(Self.one)
                try installation.write(Self.two)
                try installation.run("apply", "--confirm-within", "10m").orThrow()
                // Spread over the time that a confirm takes.
                let script =
                    "sleep 0.0\(attempt / 10)\(attempt % 10); nft insert rule inet dockernft next-service-web accept"
                let slip = try installation.namespace.enter { try Program(["sh", "-c", script]).launch() }
                let confirm = try installation.run("confirm")
                let isIn = try slip.end().status == 0
                #expect(
                    !(confirm.status == 0 && isIn),
                    "its rule stands beside what was confirmed, attempt \(attempt): \(confirm)")
            }
        }
    }
}

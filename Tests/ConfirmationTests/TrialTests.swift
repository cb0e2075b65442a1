import Foundation
import Glibc
import TestSupport
import Testing

@Suite(.serialized, .requires(.root, .program("ip"), .nft)) struct `A policy on trial` {
    static let one = "version: 1\nservices:\n  web: { publish: 8080, allow: [192.0.2.9] }\n"
    static let two = "version: 1\nservices:\n  web: { publish: 8080, allow: [192.0.2.9, 192.0.2.10] }\n"

    @Test func `that is the first one ever falls back to no rules at all`() throws {
        try Installation.with("first") { installation in
            try installation.write(Self.one)
            try installation.run("apply", "--confirm-within", "1s").orThrow()
            #expect(try installation.run("status").output.contains("and then no rules of ours are"))
            try waitForExpiry(installation)
            let status = try installation.run("status")
            #expect(status.status == 1)
            #expect(status.output.contains("not in force: nobody confirmed the first policy in time"), "\(status)")
            #expect(try installation.run("status", "--json").output.contains(#""integrity": "absent""#))
            let confirm = try installation.run("confirm")
            #expect(confirm.status == 1)
            #expect(confirm.error.contains("its time is up"), "\(confirm)")
            #expect(confirm.error.contains("'dockernft apply \(installation.policy)' applies it again"), "\(confirm)")
            #expect(try installation.nft("list", "ruleset").isEmpty)

            try installation.run("apply", "--confirm-within", "10m").orThrow()
            #expect(try installation.run("rollback").output == "taken back: as before, no rules of ours are in force\n")
            #expect(try installation.nft("list", "ruleset").isEmpty)

            try installation.run("apply", "--confirm-within", "10m").orThrow()
            try installation.run("confirm").orThrow()
            #expect(try installation.run("diff").status == 0)
        }
    }

    @Test func `lets nobody apply another, and says what to do`() throws {
        try Installation.with("second") { installation in
            try installation.apply(Self.one)
            try installation.write(Self.two)
            try installation.run("apply", "--confirm-within", "10m").orThrow()
            let before = try installation.listing()
            for options in [[], ["--confirm-within", "5m"], ["--dry-run"]] {
                let again = try installation.program("apply", options).run()
                #expect(again.status == 1)
                #expect(again.error.contains("a policy waits to be confirmed, for 10 min more"), "\(again)")
                #expect(again.error.contains("'dockernft confirm' keeps it, 'dockernft rollback' takes it back"))
            }
            #expect(try installation.listing() == before)
            // What is kept of the one that waits was not lost by that.
            try installation.run("confirm").orThrow()
            #expect(try installation.run("diff").status == 0)
            #expect(try installation.run("status").output.contains("policy   \(installation.policy)"))
        }
    }

    @Test func `that says what is in force already is none`() throws {
        try Installation.with("equal") { installation in
            try installation.apply(Self.one)
            let again = try installation.run("apply", "--confirm-within", "10m")
            #expect(again.status == 0)
            #expect(again.output == "nothing to do: the kernel is as \(installation.policy) says\n")
            #expect(try installation.run("confirm").status == 1)
            #expect(try installation.run("rollback").error == "dockernft: nothing waits to be confirmed\n")
        }
    }

    @Test func `is confirmed though all that was kept of it is lost`() throws {
        try Installation.with("lost") { installation in
            try installation.apply(Self.one)
            try installation.write(Self.two)
            try installation.run("apply", "--confirm-within", "10m").orThrow()
            try FileManager.default.removeItem(atPath: installation.runtimeDirectory)
            #expect(try installation.run("status").output.contains("a policy is in force for 10 min more"))
            try installation.run("confirm").orThrow()
            #expect(try installation.run("diff").status == 0)
            #expect(try installation.run("status").status == 0)
        }
    }

    @Test func `is compared with the rules of before by diff, and taken away whole by remove`() throws {
        try Installation.with("removed") { installation in
            try installation.apply(Self.one)
            try installation.write(Self.two)
            try installation.run("apply", "--confirm-within", "10m").orThrow()
            let diff = try installation.run("diff")
            #expect(diff.status == 1)
            #expect(diff.error.contains("this is about the rules of before"))
            #expect(diff.output.contains("+ 192.0.2.10 may reach web 8080/tcp"))
            try installation.run("remove", "--yes").orThrow()
            #expect(try installation.nft("list", "ruleset").isEmpty)
        }
    }

    @Test func `that somebody has changed is not confirmed, and still taken back`() throws {
        try Installation.with("changed") { installation in
            try installation.apply(Self.one)
            let before = try installation.listing()
            try installation.write(Self.two)
            try installation.run("apply", "--confirm-within", "10m").orThrow()
            try installation.nft("insert", "rule", "inet", "dockernft", "next-service-web", "accept")
            #expect(try installation.run("status").status == 1)
            let confirm = try installation.run("confirm")
            #expect(confirm.status == 1)
            #expect(confirm.error.contains("its rules are not those that were applied"), "\(confirm)")
            try installation.run("rollback").orThrow()
            #expect(try installation.listing() == before)
        }
    }

    @Test func `is taken back though somebody has stopped in the middle of a turn`() throws {
        try Installation.with("turn") { installation in
            try installation.apply(Self.one)
            let before = try installation.listing()
            try installation.write(Self.two)
            try installation.run("apply", "--confirm-within", "10m").orThrow()
            let turn = try installation.takeTurn()
            let rollback = try withExtendedLifetime(turn) { try installation.run("rollback") }
            #expect(rollback.status == 0, "\(rollback)")
            #expect(rollback.error.contains("waiting for process \(getpid())"), "\(rollback)")
            #expect(try installation.listing() == before)
        }
    }

    @Test func `of whoever has the turn stays known though a rollback does not wait for him`() throws {
        try Installation.with("kept") { installation in
            try installation.apply(Self.one)
            try installation.write(Self.two)
            try installation.run("apply", "--confirm-within", "10m").orThrow()
            // As it is before his commit: his policy is kept, and the kernel does not have it.
            let kept = try installation.keptFile(".policy.waiting")
            let bytes = try Data(contentsOf: kept)
            try installation.run("rollback").orThrow()
            try bytes.write(to: kept)
            let turn = try installation.takeTurn()
            let rollback = try withExtendedLifetime(turn) { try installation.run("rollback") }
            #expect(rollback.status == 1, "\(rollback)")
            #expect(rollback.error.contains("nothing waits to be confirmed"), "\(rollback)")
            #expect(try Data(contentsOf: kept) == bytes)
        }
    }

    @Test func `over rules that somebody has changed is not taken back to what is called as applied`() throws {
        try Installation.with("flushed") { installation in
            try installation.apply(Self.one)
            try installation.nft("flush", "chain", "inet", "dockernft", "forward")
            #expect(try installation.run("status").status == 1)
            try installation.run("apply", "--confirm-within", "10m").orThrow()
            #expect(try installation.run("status").status == 1)
            let rollback = try installation.run("rollback")
            #expect(rollback.status == 0)
            #expect(rollback.error.contains("somebody has changed these rules"), "\(rollback)")
            let status = try installation.run("status")
            #expect(status.status == 1, "\(status)")
        }
    }

    @Test func `that somebody has put out of force is not confirmed`() throws {
        try Installation.with("dormant") { installation in
            try installation.apply(Self.one)
            try installation.write(Self.two)
            try installation.run("apply", "--confirm-within", "10m").orThrow()
            try installation.nft("add", "table", "inet", "dockernft", "{ flags dormant; }")
            let confirm = try installation.run("confirm")
            #expect(confirm.status == 1)
            #expect(confirm.error.contains("dormant"), "\(confirm)")
        }
    }

    @Test func `is refused by a dry run where there would be no way back`() throws {
        try Installation.with("no-way") { installation in
            try installation.apply(Self.one)
            try installation.nft("add", "table", "inet", "dockernft", "{ flags dormant; }")
            let dry = try installation.run("apply", "--dry-run", "--confirm-within", "90s")
            #expect(dry.status == 1)
            #expect(dry.error.contains("there would be no exact way back"), "\(dry)")
        }
    }

    @Test func `is only spoken of by a dry run`() throws {
        try Installation.with("dry") { installation in
            try installation.apply(Self.one)
            let before = try installation.listing()
            try installation.write(Self.two)
            let dry = try installation.run("apply", "--dry-run", "--confirm-within", "90s")
            #expect(dry.status == 0)
            #expect(
                dry.output.hasSuffix(
                    "it would be in force for 1 min 30 s, and then be taken back unless it is confirmed\n"))
            #expect(try installation.listing() == before)
        }
    }

    @Test(arguments: ["", "60", "s", "0s", "1d", "-5s", "1.5m", "25h", "99999999999999999999h", "9999999999999999h"])
    func `needs a time that can be told`(time: String) throws {
        try Installation.with("time") { installation in
            try installation.write(Self.one)
            let apply = try installation.run("apply", "--confirm-within=\(time)")
            #expect(apply.status == 64, "\(apply)")
            #expect(apply.error.contains("60s"), "\(apply)")
            #expect(try installation.nft("list", "ruleset").isEmpty)
        }
    }

    private func waitForExpiry(_ installation: Installation) throws {
        let deadline = ContinuousClock.now + .seconds(30)
        while try !installation.run("status").output.contains("not in force") {
            guard ContinuousClock.now < deadline else { throw BenchError("it does not expire") }
            usleep(50_000)
        }
    }
}

extension Installation {
    fileprivate func listing() throws -> String {
        try nft("-s", "list", "ruleset").replacing(#/ expires \w+/#, with: "")
    }
}

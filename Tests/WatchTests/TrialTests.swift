import Foundation
import Glibc
import TestSupport
import Testing

@Suite(.serialized, .requires(.root, .program("ip"), .nft)) struct `A watch beside a policy on trial` {
    private func watching(_ body: (Installation, Watched) throws -> Void) throws {
        try Installation.with("trial") { installation in
            try installation.apply(Sample.policy)
            try Watched.with(installation) { try body(installation, $0) }
        }
    }

    private func begin(_ time: String, _ installation: Installation, _ watched: Watched) throws {
        try installation.write(Sample.other)
        try installation.run("apply", "--confirm-within", time).orThrow()
        try watched.wait(for: "the watch to see it") { try watched.text.contains("a policy waits to be confirmed") }
    }

    private func isInForce(_ text: String, _ installation: Installation) throws -> Bool {
        try installation.write(text)
        return try installation.run("diff").status == 0
    }

    @Test func `leaves it alone, and keeps what was confirmed from then on`() throws {
        try watching { installation, watched in
            try begin("10m", installation, watched)
            let before = try installation.listingWithoutTimes()
            try installation.nft("add", "chain", "inet", "dockernft", "intruder")
            try installation.nft("delete", "chain", "inet", "dockernft", "intruder")
            usleep(300_000)
            #expect(try installation.listingWithoutTimes() == before)
            try installation.run("confirm").orThrow()
            try watched.wait(for: "the new policy to be kept") { try watched.text.contains("that is kept from now on") }
            try installation.nft("flush", "ruleset")
            try watched.wait(for: "it to be put back") { try isInForce(Sample.other, installation) }
        }
    }

    @Test func `goes on to keep what was before when it is taken back`() throws {
        try watching { installation, watched in
            try begin("10m", installation, watched)
            try installation.run("rollback").orThrow()
            try installation.nft("flush", "ruleset")
            try watched.wait(for: "it to be put back") { try isInForce(Sample.policy, installation) }
            #expect(try installation.run("status").status == 0)
        }
    }

    @Test func `removes what is left when its time is up`() throws {
        try watching { installation, watched in
            try begin("1s", installation, watched)
            try watched.wait(for: "the end of it") {
                try watched.text.contains("nobody confirmed the new policy in time")
            }
            try watched.wait(for: "the remains to go") { try !installation.listing().contains("next-") }
            #expect(try isInForce(Sample.policy, installation))
            #expect(try watched.sleeps())
        }
    }

    @Test func `puts back what was before when the whole table is deleted`() throws {
        try watching { installation, watched in
            try begin("10m", installation, watched)
            try installation.nft("delete", "table", "inet", "dockernft")
            try watched.wait(for: "it to be put back") { try isInForce(Sample.policy, installation) }
        }
    }

    @Test func `begins beside it, and reads nothing anew meanwhile`() throws {
        try Installation.with("late") { installation in
            try installation.apply(Sample.policy)
            try installation.write(Sample.other)
            try installation.run("apply", "--confirm-within", "10m").orThrow()
            let before = try installation.listingWithoutTimes()
            try Watched.with(installation) { watched in
                #expect(try installation.listingWithoutTimes() == before)
                kill(watched.process, SIGHUP)
                try watched.wait(for: "an answer") {
                    try watched.text.contains("is not read anew while another one waits")
                }
                #expect(try installation.listingWithoutTimes() == before)
                try installation.run("rollback").orThrow()
                try watched.wait(for: "the old one") { try isInForce(Sample.policy, installation) }
            }
        }
    }

    @Test func `does not put back what was before over what was confirmed when nothing could be kept of it`() throws {
        try watching { installation, watched in
            try begin("10m", installation, watched)
            for file in try FileManager.default.contentsOfDirectory(atPath: installation.runtimeDirectory)
            where file.hasSuffix(".waiting") {
                try FileManager.default.removeItem(atPath: "\(installation.runtimeDirectory)/\(file)")
            }
            try installation.run("confirm").orThrow()
            try watched.wait(for: "a word about it") {
                try watched.text.contains("has confirmed \(installation.policy)")
            }
            #expect(try isInForce(Sample.other, installation))
            try installation.nft("flush", "ruleset")
            try watched.wait(for: "it to be put back") { try isInForce(Sample.other, installation) }
        }
    }
}

@Suite(.serialized, .requiresDocker) struct `A watch beside a policy on trial and a real Docker` {
    @Test func `has both policies follow what Docker runs, while the time goes on`() throws {
        try RealDocker.with { docker in
            try Installation.with(docker.host.namespace) { installation in
                let shop = "version: 1\nservices:\n  shop: { container: shop, required: false, allow: "
                try installation.write(shop + "[203.0.113.0/24] }\n")
                try installation.run("apply", "--docker", docker.socket).orThrow()
                try Watched.with(installation, docker: docker.socket) { watched in
                    try installation.write(shop + "[203.0.113.0/24, 192.0.2.66] }\n")
                    try installation.run("apply", "--docker", docker.socket, "--confirm-within", "10m").orThrow()
                    try watched.wait(for: "the watch to see it") { try watched.text.contains("a policy waits to be") }
                    // Longer than what is shown is rounded to.
                    usleep(1_200_000)
                    try docker.run(Container("shop", publish: ["8086:80"]))
                    let listed = Probe(from: "203.0.113.7", to: "192.0.2.1:8086", expect: .answered(by: "shop"))
                    func new(_ outcome: Outcome) -> Probe {
                        Probe(from: "192.0.2.66", to: "192.0.2.1:8086", expect: outcome)
                    }
                    try watched.wait(for: "both to follow") { try watched.text.contains("a policy still waits") }
                    try docker.host.expect([listed, new(.answered(by: "shop"))], "on trial")
                    #expect(try installation.run("status").output.contains("s more, and then the rules of before"))
                    #expect(!(try installation.run("status").output.contains("10 min more")))
                    try installation.run("rollback").orThrow()
                    try docker.host.expect([listed, new(.silent)], "taken back")

                    try installation.run("apply", "--docker", docker.socket, "--confirm-within", "10m").orThrow()
                    try docker.docker("rename", "shop", "store")
                    try docker.docker("rename", "store", "shop")
                    try installation.run("confirm").orThrow()
                    try watched.wait(for: "it to be kept") {
                        try installation.run("diff", "--docker", docker.socket).status == 0
                    }
                    try docker.host.expect([listed, new(.answered(by: "shop"))], "confirmed")
                }
            }
        }
    }

    @Test func `tells a second trial from the first one that it had no time to see the end of`() throws {
        try RealDocker.with { docker in
            try Installation.with(docker.host.namespace) { installation in
                func shop(_ sources: String) throws {
                    try installation.write(
                        "version: 1\nservices:\n  shop: { container: shop, required: false, allow: [\(sources)] }\n")
                }
                try shop("203.0.113.0/24")
                try installation.run("apply", "--docker", docker.socket).orThrow()
                try Watched.with(installation, docker: docker.socket) { watched in
                    try shop("203.0.113.0/24, 192.0.2.66")
                    try installation.run("apply", "--docker", docker.socket, "--confirm-within", "10m").orThrow()
                    try watched.wait(for: "the watch to see it") { try watched.text.contains("a policy waits to be") }
                    // Not in the middle of its turn: the next apply would wait for it.
                    #expect(try watched.sleeps())
                    kill(watched.process, SIGSTOP)
                    try installation.run("rollback").orThrow()
                    try shop("203.0.113.0/24, 192.0.2.67")
                    try installation.run("apply", "--docker", docker.socket, "--confirm-within", "10m").orThrow()
                    kill(watched.process, SIGCONT)
                    try docker.run(Container("shop", publish: ["8086:80"]))
                    try watched.wait(for: "both to follow") { try watched.text.contains("a policy still waits") }
                    let listing = try installation.listing()
                    #expect(listing.contains("192.0.2.67"))
                    #expect(!listing.contains("192.0.2.66"))
                }
            }
        }
    }
}

extension Installation {
    fileprivate func listingWithoutTimes() throws -> String { try listing().replacing(#/ expires \w+/#, with: "") }
}

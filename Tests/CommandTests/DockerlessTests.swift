import Foundation
import TestSupport
import Testing

@Suite(.requires(.root, .program("ip"), .nft)) struct `Where Docker cannot be asked` {
    private static let selecting = """
        version: 1
        services:
          grafana: { container: grafana, allow: [203.0.113.0/24] }

        """

    private static let accepting = selecting + "unlisted: accept\n"

    @Test func `a policy that needs it ends in 2, and the running rules stay`() throws {
        try Installation.with { installation in
            try installation.apply(Sample.quiet)
            let before = try installation.generation()
            try installation.write(Self.selecting)
            for command in ["diff", "apply", "compile"] {
                let result = try installation.run(command, "--docker", "\(installation.directory)/none.sock")
                #expect(result.status == 2, "\(result)")
                #expect(result.output == "")
                #expect(result.error.contains("grafana (") && result.error.contains("--docker none"), "\(result.error)")
            }
            #expect(try installation.generation() == before)
        }
    }

    @Test func `by its environment either, the same holds`() throws {
        try Installation.with { installation in
            try installation.write(Self.selecting)
            let host = "DOCKER_HOST=unix://\(installation.directory)/none.sock"
            let apply = Program(["env", host] + (try installation.program("apply", ["--docker", "auto"]).arguments))
            #expect(try apply.run().status == 2)
            try installation.write(Sample.quiet)
            let result = try apply.run()
            #expect(result.status == 0, "\(result)")
            #expect(result.error.contains("not known"), "\(result.error)")
        }
    }

    @Test func `a policy that does not need it is applied, unless its socket was named`() throws {
        try Installation.with { installation in
            try installation.write(Sample.quiet)
            #expect(try installation.run("check").status == 0)
            #expect(try installation.run("apply", "--docker", "none").status == 0)
            let named = try installation.run("apply", "--docker", "\(installation.directory)/none.sock")
            #expect(named.status == 2 && named.error.contains("none.sock"), "\(named)")
            try FileManager.default.createDirectory(
                atPath: "\(installation.directory)/dir", withIntermediateDirectories: true)
            #expect(try installation.run("apply", "--docker", "\(installation.directory)/dir").status == 2)
            #expect(try installation.run("apply", "--docker", "tcp://192.0.2.1:2375").status == 64)
        }
    }

    @Test func `check says of what it is known by its container only that it is written well`() throws {
        try Installation.with { installation in
            try installation.write(Self.selecting)
            let result = try installation.run("check")
            #expect(result.status == 0 && result.error.contains("only Docker knows the ports"), "\(result)")
            try installation.write(Sample.quiet)
            #expect(try installation.run("check").error == "")
        }
    }

    @Test func `and is not to be, its services let nobody in`() throws {
        try Installation.with { installation in
            try installation.write(Self.selecting)
            let result = try installation.run("apply", "--docker", "none")
            #expect(result.status == 0 && result.error.contains("docker-not-asked"), "\(result)")
            #expect(!(try installation.listing().contains("goto service-grafana")))
            #expect(try installation.run("status").output.contains("OPEN"))
            let generation = try installation.generation()
            try installation.write(Self.accepting)
            let refused = try installation.run("apply", "--docker", "none")
            #expect(refused.status == 1 && refused.error.contains("docker-not-asked"), "\(refused)")
            #expect(try installation.generation() == generation)
        }
    }
}

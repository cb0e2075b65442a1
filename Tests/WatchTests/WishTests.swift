import Foundation
import Glibc
import TestSupport
import Testing

@Suite(.serialized, .requires(.root, .program("ip"), .nft)) struct `What a watch keeps in force` {
    private func watching(_ body: (Installation, Watched) throws -> Void) throws {
        try Installation.with("wish") { installation in
            try installation.write(Sample.policy)
            try Watched.with(installation) { try body(installation, $0) }
        }
    }

    @Test func `is the policy, where nothing was applied before`() throws {
        try watching { installation, _ in try installation.run("diff").orThrow() }
    }

    @Test func `is what was applied since`() throws {
        try watching { installation, watched in
            try installation.apply(Sample.other)
            let applied = try installation.listing()
            try watched.wait(for: "a line about the apply") { try watched.text.contains("that is kept from now on") }
            #expect(try installation.listing() == applied)
            try installation.nft("flush", "ruleset")
            try watched.waitUntilInForce()
        }
    }

    @Test func `is the last of many applies, whatever happens in between`() throws {
        try watching { installation, watched in
            for number in 0..<20 {
                try installation.apply(number.isMultiple(of: 2) ? Sample.other : Sample.policy)
                #expect(try installation.run("diff").status == 0, "\(number)")
                if number.isMultiple(of: 3) { try installation.nft("flush", "ruleset") }
            }
            try watched.waitUntilInForce()
        }
    }

    @Test func `is nothing after a removal, until the next apply`() throws {
        try watching { installation, watched in
            try installation.run("remove", "--yes").orThrow()
            try watched.wait(for: "a line about the removal") { try watched.text.contains("removed by dockernft") }
            #expect(try installation.listing() == "")
            try installation.nft("add", "table", "inet", "other")
            try installation.apply(Sample.policy)
            try watched.wait(for: "a line about the apply") { try watched.text.contains("that is kept from now on") }
            try installation.nft("flush", "ruleset")
            try watched.waitUntilInForce()
        }
    }

    @Test func `is nothing after a removal, also where its records were lost`() throws {
        try watching { installation, watched in
            try FileManager.default.removeItem(atPath: installation.runtimeDirectory)
            try installation.run("remove", "--yes").orThrow()
            try watched.wait(for: "a line about the table") { try watched.text.contains(" by dockernft (pid ") }
            #expect(try watched.text.contains("removed by dockernft"))
            #expect(try installation.listing() == "")
        }
    }

    @Test func `is what was applied at boot, where a container that has to run does not yet`() throws {
        try Installation.with("wish") { installation in
            try installation.apply(
                """
                version: 1
                services:
                  shop: { container: shop, required: true, allow: [203.0.113.0/24] }

                """)
            let applied = try installation.listing()
            try Watched.with(installation, docker: "\(installation.directory)/none.sock") { watched in
                #expect(try watched.text.contains("warning[nothing-selected]"))
                #expect(try installation.listing() == applied)
                // What nobody has said is not kept as an engine's word.
                let kept = try FileManager.default.contentsOfDirectory(atPath: installation.runtimeDirectory)
                #expect(!kept.contains { $0.hasSuffix(".inventory") }, "\(kept)")
            }
        }
    }

    @Test func `is still nothing after a removal when it is started anew`() throws {
        try watching { installation, watched in
            try installation.run("remove", "--yes").orThrow()
            watched.program.signal(SIGTERM)
            #expect(try watched.program.end().status == 0)
            try Watched.with(installation) { (again) throws in
                #expect(try installation.listing() == "")
                #expect(try again.text.contains("nothing is put back until the next apply"))
            }
        }
    }

    @Test func `is read anew on SIGHUP, and stays where the file is broken`() throws {
        try watching { installation, watched in
            let before = try installation.listing()
            try installation.write("version: 1\nservices: { half")
            watched.program.signal(SIGHUP)
            try watched.wait(for: "a line about errors") { try watched.text.contains("what was in force stays") }
            #expect(try installation.listing() == before)
            try installation.nft("flush", "ruleset")
            try watched.wait(for: "the table to be put back") { try installation.listing() == before }
            try installation.write(Sample.other)
            watched.program.signal(SIGHUP)
            try watched.waitUntilInForce()
        }
    }

    @Test func `stays on SIGHUP, where the policy's own tests fail`() throws {
        try watching { installation, watched in
            let before = try installation.listing()
            try installation.write(Sample.other + "expect: [deny anyone -> 1-65535, allow 192.0.2.1 -> 9]\n")
            watched.program.signal(SIGHUP)
            try watched.wait(for: "a line about errors") { try watched.text.contains("what was in force stays") }
            #expect(try watched.text.contains("expectation-failed"))
            #expect(try installation.listing() == before)
        }
    }

    @Test func `is kept by one at a time`() throws {
        try watching { installation, watched in
            let second = try installation.program("watch", ["--docker", "none", installation.policy]).run()
            #expect(second.status == 2)
            #expect(second.error.contains("watched already (pid \(watched.process))"), "\(second)")
            #expect(try installation.run("status").output.contains("watched  by process \(watched.process)\n"))
            #expect(try installation.run("status", "--json").output.contains("\"watcher\" : \(watched.process)\n"))
            watched.program.signal(SIGTERM)
            #expect(try watched.program.end().status == 0)
            #expect(try installation.run("status").output.contains("watched  by nobody\n"))
        }
    }

    /// A daemon's manager hears of it: ready when the rules are in force, busy during a reload, and at the end.
    @Test(.requires(.program("python3"))) func `is told to the service manager`() throws {
        try Installation.with("notified") { installation in
            try installation.write(Sample.policy)
            let (socket, heard) = ("\(installation.directory)/notify", "\(installation.directory)/heard")
            let ear = """
                import socket, sys
                ear = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
                ear.bind(sys.argv[1])
                while True:
                    open(sys.argv[2], "ab").write(ear.recv(4096) + b"\\n--\\n")
                """
            let listener = try Program(["python3", "-c", ear, socket, heard]).launch()
            defer { listener.signal(SIGKILL) }
            try Watched.waitUntil("the ear") { FileManager.default.fileExists(atPath: socket) }
            func messages() -> [String] {
                ((try? String(contentsOfFile: heard, encoding: .utf8)) ?? "").components(separatedBy: "\n--\n")
                    .dropLast()
            }
            try Watched.with(installation, ["NOTIFY_SOCKET=\(socket)"]) { watched in
                try Watched.waitUntil("READY=1") { !messages().isEmpty }
                #expect(messages()[0].hasPrefix("READY=1\nSTATUS=keeping "))
                #expect(try installation.run("diff").status == 0)
                watched.program.signal(SIGHUP)
                try Watched.waitUntil("the reload") { messages().count >= 3 }
                #expect(messages()[1].contains(/^RELOADING=1\nMONOTONIC_USEC=[0-9]+$/), "\(messages())")
                #expect(messages()[2].hasPrefix("READY=1\n"))
                watched.program.signal(SIGTERM)
                #expect(try watched.program.end().status == 0)
                try Watched.waitUntil("STOPPING=1") { messages().last == "STOPPING=1" }
            }
        }
    }
}

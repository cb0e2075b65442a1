import Foundation
import Glibc
import TestSupport
import Testing

@Suite(.serialized, .requires(.root, .program("ip"), .nft)) struct `A watched table` {
    private func watching(_ body: (Installation, Watched) throws -> Void) throws {
        try Installation.with("watched") { installation in
            try installation.apply(Sample.policy)
            try Watched.with(installation) { try body(installation, $0) }
        }
    }

    @Test(arguments: [
        "flush ruleset", "delete table inet dockernft", "flush table inet dockernft",
        "add rule inet dockernft service-django accept", "add chain inet dockernft back-door",
        "delete element inet dockernft group-office-v4 { 198.51.100.0/28 }",
        "add element inet dockernft group-office-v4 { 192.0.2.0/24 }",
        "delete table inet dockernft; add table inet dockernft",
        "add table inet dockernft { flags dormant; }",
    ])
    func `is put back, and it is said who was there`(command: String) throws {
        try watching { installation, watched in
            let before = try installation.listing()
            let said = try watched.lines.count
            try installation.nft("-f", "-", input: command.replacing("; add", with: "\nadd") + "\n")
            try watched.wait(for: "the table to be put back") { try installation.listing() == before }
            try watched.wait(for: "a line about it") { try watched.lines.count > said }
            let line = try #require(try watched.lines.dropFirst(said).first)
            #expect(line.contains(/by nft \(pid [1-9][0-9]*\): put back/), "\(line)")
            try watched.waitUntilInForce()
        }
    }

    @Test func `is back after two hundred flushes in a row`() throws {
        try watching { installation, watched in
            let before = try installation.listing()
            let memory = try watched.status("VmRSS")
            for _ in 0..<200 { try installation.nft("flush", "ruleset") }
            try watched.wait(for: "the table to be put back") { try installation.listing() == before }
            #expect(try installation.run("status").status == 0)
            print("200 flushes: memory \(memory) before, \(try watched.status("VmRSS")) after")
        }
    }

    @Test func `is left alone while others change their own tables`() throws {
        try watching { installation, watched in
            let said = try watched.lines
            let handle = try installation.nft("-a", "list", "table", "inet", "dockernft")
            try installation.nft(
                "-f", "-", input: "table inet other { chain c { }; }\ntable ip dockernft { chain c { }; }\n")
            try installation.nft("delete", "table", "inet", "other")
            // What comes after shows that it has heard of what was before.
            try installation.nft("add", "chain", "inet", "dockernft", "back-door")
            try watched.wait(for: "the chain to go") {
                try installation.nft("-a", "list", "table", "inet", "dockernft") == handle
            }
            try watched.wait(for: "a line about it") { try watched.lines.count > said.count }
            #expect(try watched.lines.count == said.count + 1)
        }
    }

    /// No timer and no question: it sleeps until somebody does something.
    @Test func `costs nothing while nothing happens`() throws {
        try watching { _, watched in
            let isAsleep = try watched.sleeps()
            #expect(isAsleep)
        }
    }

    @Test func `outlives who watches it, and is watched again by what was applied, not by what is being edited`() throws
    {
        try watching { installation, watched in
            let before = try installation.listing()
            watched.program.signal(SIGKILL)
            _ = try watched.program.end()
            #expect(try installation.listing() == before)
            try installation.write("version: 1\nservices: { half")
            try installation.nft("flush", "ruleset")
            try Watched.with(installation) { again in
                #expect(try installation.listing() == before)
                try installation.nft("flush", "ruleset")
                try again.wait(for: "the table to be put back") { try installation.listing() == before }
            }
        }
    }

    @Test func `is whole or absent when its watch is killed at any moment, and there after its next start`() throws {
        try Installation.with("killed") { installation in
            try installation.apply(Sample.policy)
            let before = try installation.listing()
            for number in 0..<50 {
                let watched = try Watched.start(installation)
                try installation.nft("flush", "ruleset")
                // Spread over the time that it takes.
                usleep(UInt32(number % 25) * 400)
                watched.program.signal(SIGKILL)
                _ = try watched.program.end()
                #expect(["", before].contains(try installation.listing()))
            }
            try Watched.with(installation) { watched in
                try watched.waitUntilInForce()
                #expect(try installation.listing() == before)
            }
        }
    }
}

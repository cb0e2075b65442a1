import Glibc
import TestSupport
import Testing

@Suite(.serialized, .requiresPackets) struct `The question at the terminal` {
    @Test(arguments: [("y\n", 0, true), ("what?\nYES\n", 0, true), ("n\n", 1, false), ("\u{3}", 1, false)])
    func `is answered`(typed: String, status: Int32, isKept: Bool) throws {
        try TrialHost.with { trial in
            try trial.installation.apply(TrialHost.before)
            let terminal = try Terminal()
            let apply = try trial.apply(within: "10m", at: terminal)
            terminal.type(typed)
            #expect(try apply.end().status == status, "\(terminal.text)")
            #expect(
                terminal.text.contains(
                    isKept ? "confirmed: the new policy is in force for good" : "taken back: the rules of before"))
            try trial.installation.write(isKept ? TrialHost.after : TrialHost.before)
            #expect(try trial.installation.run("diff").status == 0)
            #expect(try trial.installation.run("rollback").status == 1)
        }
    }

    @Test func `need not be waited for where another dockernft does not end`() throws {
        try TrialHost.with { trial in
            try trial.installation.apply(TrialHost.before)
            let turn = try trial.installation.takeTurn()
            let terminal = try Terminal()
            let apply = try trial.apply(within: "10m", at: terminal, until: "waiting for process")
            terminal.type("\u{3}")
            #expect(try withExtendedLifetime(turn) { try apply.end().status } == 1, "\(terminal.text)")
            #expect(terminal.text.contains("interrupted: nothing was changed"))
            #expect(!(try trial.installation.nft("list", "table", "inet", "dockernft").contains("next-")))
        }
    }

    @Test func `is not answered by what was typed before it was asked`() throws {
        try TrialHost.with { trial in
            try trial.installation.apply(TrialHost.before)
            let terminal = try Terminal()
            terminal.type("y\n")
            let apply = try trial.apply(within: "10m", at: terminal)
            terminal.type("n\n")
            #expect(try apply.end().status == 1, "\(terminal.text)")
            #expect(terminal.text.contains("taken back: the rules of before"))
        }
    }

    @Test func `can be left while its answer waits for another dockernft`() throws {
        try TrialHost.with { trial in
            try trial.installation.apply(TrialHost.before)
            let terminal = try Terminal()
            let apply = try trial.apply(within: "10m", at: terminal)
            let turn = try trial.installation.takeTurn()
            terminal.type("y\n")
            try trial.wait(for: "the answer to wait") { terminal.text.contains("waiting for process") }
            terminal.type("\u{3}")
            #expect(try withExtendedLifetime(turn) { try apply.end().status } == 1, "\(terminal.text)")
            #expect(try trial.installation.nft("list", "table", "inet", "dockernft").contains("next-"))
        }
    }

    @Test func `says that its time is up though another dockernft does not end`() throws {
        try TrialHost.with { trial in
            try trial.installation.apply(TrialHost.before)
            let terminal = try Terminal()
            let apply = try trial.apply(within: "5s", at: terminal)
            let turn = try trial.installation.takeTurn()
            #expect(try withExtendedLifetime(turn) { try apply.end().status } == 1, "\(terminal.text)")
            #expect(terminal.text.contains("taken back: nobody confirmed it in time"), "\(terminal.text)")
            #expect(!(try trial.installation.nft("list", "table", "inet", "dockernft").contains("next-")))
        }
    }

    @Test func `is left to the kernel when nobody can answer any more`() throws {
        try TrialHost.with { trial in
            let terminal = try Terminal()
            let apply = try trial.apply(within: "10m", at: terminal)
            terminal.type("\u{4}")
            #expect(try apply.end().status == 0)
            #expect(terminal.text.contains("'dockernft confirm' keeps it"))
            try trial.installation.run("confirm").orThrow()
        }
    }

    @Test func `counts down on one line, without a control sequence, to what the kernel does`() throws {
        try TrialHost.with { trial in
            try trial.installation.apply(TrialHost.before)
            let terminal = try Terminal()
            let apply = try trial.apply(within: "3s", at: terminal, ["NO_COLOR=1"])
            #expect(try apply.end().status == 1)
            let text = terminal.text
            #expect(text.contains("taken back in 2 s"))
            #expect(text.contains("taken back in 1 s"))
            #expect(text.contains("taken back: nobody confirmed it in time, and the rules of before are in force"))
            #expect(!text.contains("\u{1b}"))
            let countdown = text.split(separator: "\n").filter { $0.contains("keep it?") }
            #expect(countdown.count == 1)
            #expect(!(try trial.installation.nft("list", "table", "inet", "dockernft").contains("next-")))
        }
    }
}

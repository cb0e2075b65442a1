import Foundation
import Glibc
import TestSupport
import Testing

/// What may become of the apply that has put a policy on trial.
enum Fate: CaseIterable, CustomTestStringConvertible {
    case ended
    case killed
    case stopped
    case hungUp
    case diskFull

    var testDescription: String {
        switch self {
        case .ended: "has no terminal, and has ended"
        case .killed: "is killed"
        case .stopped: "is stopped"
        case .hungUp: "has lost its terminal"
        case .diskFull: "could keep nothing, its disk being full"
        }
    }
}

@Suite(.serialized, .requires(Requirement.packets + [.program("mount")])) struct `A policy on trial whose apply` {
    static let seconds = 3

    @Test(arguments: Fate.allCases) func `meets its fate is taken back in time`(fate: Fate) throws {
        try TrialHost.with { trial in
            try trial.installation.apply(TrialHost.before)
            let staying = try trial.streams(of: 9)
            let knocks = try trial.knocks()
            let begin = ContinuousClock.now
            try trial.meeting(fate, within: "\(Self.seconds)s") { apply in
                // Heard by now at the latest; in force since `begin` at the earliest.
                let inForce = try trial.waitUntilHeard(knocks)
                for last in try trial.lastBeats(of: knocks) {
                    #expect(last > begin + .seconds(Self.seconds) - .milliseconds(500))
                    #expect(last < inForce + .seconds(Self.seconds) + .seconds(1))
                    print("\(fate.testDescription): \(inForce.duration(to: last)) after it was seen to be in force")
                }
                let status = try trial.installation.run("status")
                try trial.installation.write(TrialHost.before)
                #expect(try trial.installation.run("diff").status == 0)
                if let apply {
                    apply.signal(SIGCONT)
                    let end = try apply.end()
                    // It has seen to what was left as soon as it could.
                    if fate != .killed, fate != .hungUp { #expect(end.status == 1, "\(end)") }
                }
                if fate == .killed || fate == .ended {
                    #expect(status.output.contains("is up and the rules of before are in force"), "\(status)")
                    #expect(try trial.installation.nft("list", "table", "inet", "dockernft").contains("next-"))
                    #expect(status.status == 0)
                }
                #expect(try trial.installation.run("confirm").status == 1)
            }
            try trial.installation.run("apply").orThrow()
            let listing = try trial.installation.nft("list", "table", "inet", "dockernft")
            #expect(!listing.contains("next-") && !listing.contains("waiting-"))
            for stream in staying { #expect(stream.lost() == .none) }
        }
    }

    @Test(arguments: Fate.allCases, ["confirm", "rollback"])
    func `meets its fate is kept, or taken back at once, by another session`(fate: Fate, command: String) throws {
        try TrialHost.with { trial in
            try trial.installation.apply(TrialHost.before)
            let staying = try trial.streams(of: 9)
            let knocks = try trial.knocks()
            try trial.meeting(fate, within: "10m") { apply in
                _ = try trial.waitUntilHeard(knocks)
                let result = try trial.installation.run(command)
                #expect(result.status == 0, "\(result)")
                trial.pause(.milliseconds(100))
                #expect(trial.isSilent(knocks) == (command == "rollback"))
                try trial.installation.write(command == "confirm" ? TrialHost.after : TrialHost.before)
                #expect(try trial.installation.run("diff").status == 0)
                let listing = try trial.installation.nft("list", "table", "inet", "dockernft")
                #expect(!listing.contains("next-") && !listing.contains("waiting-"))
                #expect(try trial.installation.run("status").status == 0)
                #expect(try trial.installation.run(command).status == 1)
                if let apply {
                    apply.signal(SIGCONT)
                    let end = try apply.end()
                    if fate == .stopped || fate == .diskFull { #expect(end.status == (command == "confirm" ? 0 : 1)) }
                }
            }
            for stream in staying { #expect(stream.lost() == .none) }
        }
    }
}

extension TrialHost {
    /// Begins a trial whose apply meets its fate, and runs `body` with it where it is still there.
    fileprivate func meeting(_ fate: Fate, within time: String, _ body: (RunningProgram?) throws -> Void) throws {
        let terminal = try Terminal()
        switch fate {
        case .ended:
            try installation.write(Self.after)
            let result = try installation.run("apply", "--confirm-within", time)
            #expect(result.status == 0, "\(result)")
            #expect(result.output.contains("'dockernft confirm' keeps it"))
            try body(nil)
        case .killed:
            let apply = try apply(within: time, at: terminal)
            apply.signal(SIGKILL)
            _ = try apply.end()
            try body(nil)
        case .stopped:
            let apply = try apply(within: time, at: terminal)
            apply.signal(SIGSTOP)
            try body(apply)
        case .hungUp:
            let apply = try apply(within: time, at: terminal)
            terminal.hangUp()
            try body(apply)
        case .diskFull:
            try withFullDisk {
                let apply = try apply(within: time, at: terminal)
                #expect(terminal.text.contains("note: the policy is not kept for dockernft watch"), "\(terminal.text)")
                try body(apply)
            }
        }
    }

    /// While nothing can be written where dockernft keeps what it knows.
    private func withFullDisk(_ body: () throws -> Void) throws {
        let directory = installation.runtimeDirectory
        let aside = "\(directory).aside"
        try Program(["cp", "-a", directory, aside]).run().orThrow()
        try Program(["mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", directory]).run().orThrow()
        defer { _ = try? Program(["umount", "-l", directory]).run() }
        try Program(["sh", "-c", "cp -a \(aside)/. \(directory)/"]).run().orThrow()
        _ = try Program(["dd", "if=/dev/zero", "of=\(directory)/full", "bs=1k"]).run()
        try body()
    }
}

import Addressing
import Foundation
import Nftables
import NftablesKernel
import Synchronization
import Testing

@Suite(.needsRoot)
struct ContentionTests {
    @Test func `A table is read whole while others commit`() throws {
        let namespace = try ScratchNamespace()
        var kernel = try namespace.connect()
        let ruleset = try Everything.ruleset().linearized()
        try kernel.commit(Transaction(creating: ruleset))
        let isDone = Flag()
        let path = namespace.path
        let other = Thread {
            guard var kernel = try? KernelConnection(namespace: path) else { return }
            while !isDone.value.load(ordering: .relaxed) {
                try? kernel.commit(Transaction(table: "other", changes: [.addTable(Table(name: "other"))]))
                try? kernel.commit(Transaction(table: "other", changes: [.deleteTable(name: "other")]))
                Self.pause()
            }
        }
        other.start()
        defer { isDone.value.store(true, ordering: .relaxed) }
        try read(&kernel) { #expect($0 == ruleset) }
    }

    @Test func `A table that others change is read as it was at one time`() throws {
        let namespace = try ScratchNamespace()
        var kernel = try namespace.connect()
        let sets = (0..<50).map { NamedSet(name: "s\($0 + 10)", key: [.ipv4Address], elements: .ipv4(.init([1...1]))) }
        try kernel.commit(Transaction(creating: LinearRuleset(table: Table(name: "t"), sets: sets)))
        let isDone = Flag()
        let path = namespace.path
        // In every commit all sets go from one element to another together.
        let other = Thread {
            guard var kernel = try? KernelConnection(namespace: path) else { return }
            var value: UInt32 = 1
            while !isDone.value.load(ordering: .relaxed) {
                let next = value % 1000 + 1
                let changes = sets.flatMap { set -> [Change] in
                    [
                        .deleteElements(set: set.header, .ipv4(.init([value...value]))),
                        .addElements(set: set.header, .ipv4(.init([next...next]))),
                    ]
                }
                if (try? kernel.commit(Transaction(table: "t", changes: changes))) != nil { value = next }
                Self.pause()
            }
        }
        other.start()
        defer { isDone.value.store(true, ordering: .relaxed) }
        try read(&kernel) { #expect(Set($0.sets.map(\.elements)).count == 1) }
    }

    /// Sometimes short, so that a read meets commits; sometimes long, so that on a slow machine too one comes between them.
    private static func pause() { usleep(UInt32.random(in: 0...3) * 8000) }

    /// Reads until others have committed often enough. A read that they never let finish says so.
    private func read(_ kernel: inout KernelConnection, _ body: (LinearRuleset) -> Void) throws {
        let before = try kernel.generation()
        var reads = 0
        while try reads == 0 || kernel.generation() < before + 40 {
            do {
                body(try #require(try kernel.readTable(named: "t")).ruleset)
                reads += 1
            } catch let error as NetlinkError where error.isInterrupted {
                continue
            }
        }
    }
}

private final class Flag: Sendable {
    let value = Atomic(false)
}

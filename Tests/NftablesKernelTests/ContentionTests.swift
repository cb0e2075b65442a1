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
                usleep(4000)
            }
        }
        other.start()
        defer { isDone.value.store(true, ordering: .relaxed) }
        let before = try kernel.generation()
        // As long as it takes until others have committed often enough.
        while try kernel.generation() < before + 40 {
            let observed = try #require(try kernel.readTable(named: "t"))
            #expect(observed.ruleset == ruleset)
        }
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
                usleep(4000)
            }
        }
        other.start()
        defer { isDone.value.store(true, ordering: .relaxed) }
        let before = try kernel.generation()
        // As long as it takes until others have committed often enough.
        while try kernel.generation() < before + 40 {
            let observed = try #require(try kernel.readTable(named: "t"))
            #expect(Set(observed.ruleset.sets.map(\.elements)).count == 1)
        }
    }

    @Test func `Without CAP_NET_ADMIN the error says what is missing`() async {
        await #expect(processExitsWith: .success) {
            #expect(setuid(65534) == 0)
            var kernel = try KernelConnection()
            let error = #expect(throws: NetlinkError.self) {
                try kernel.commit(Transaction(table: "t", changes: [.addTable(Table(name: "t"))]))
            }
            #expect(error?.code == EPERM)
            #expect(error?.description.contains("CAP_NET_ADMIN") == true)
            let reading = #expect(throws: NetlinkError.self) { _ = try kernel.readTable(named: "t") }
            #expect(reading?.code == EPERM)
        }
    }
}

private final class Flag: Sendable {
    let value = Atomic(false)
}

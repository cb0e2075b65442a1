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
                usleep(3000)
            }
        }
        other.start()
        defer { isDone.value.store(true, ordering: .relaxed) }
        let before = try kernel.generation()
        for _ in 0..<100 {
            let observed = try #require(try kernel.readTable(named: "t"))
            #expect(observed.ruleset == ruleset)
        }
        #expect(try kernel.generation() > before + 10)
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

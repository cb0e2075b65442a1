import Glibc
@testable import NftablesKernel
import Testing

@Suite(.needsRoot) struct `What is only for namespaces of our own making` {
    private static func code(_ body: () throws(NetlinkError) -> Void) -> Int32 {
        do throws(NetlinkError) {
            try body()
            return 0
        } catch {
            return error.code
        }
    }

    /// Everything that changes more than our table. None of it is asked to change anything.
    private static func codes(_ path: String) -> [Int32] {
        [
            code { () throws(NetlinkError) in _ = try LinkConnection(namespace: path) },
            code { () throws(NetlinkError) in _ = try ConnectionTracking(namespace: path) },
            code { () throws(NetlinkError) in try ForeignRules().load(into: path) },
        ]
    }

    @Test(arguments: ["/proc/self/ns/net", "/proc/thread-self/ns/net"])
    func `is refused in the one that this process is in`(path: String) {
        #expect(Self.codes(path) == [EPERM, EPERM, EPERM])
    }

    @Test func `is done in another, and not where there is none`() throws {
        let namespace = try ScratchNamespace()
        #expect(Self.codes(namespace.path) == [0, 0, 0])
        #expect(Self.codes("/run/netns/no-such-namespace") == [ENOENT, ENOENT, ENOENT])
    }
}

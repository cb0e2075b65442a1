import Foundation
import Rehearsal
import TestSupport
import Testing

@Suite(.requires(.root, .program("setpriv"))) struct `A stage of somebody who is not root` {
    @Test(.enabled(if: try UserNamespaces.areAllowed()))
    func `is built in a user namespace, takes rules by the real path and tells the same`() throws {
        let result = try Self.runAsNobody()
        let expected = """
            user 0: 2 answerers
            tcp 192.0.2.1 silent
            tcp 172.28.0.2 answered(by: Rehearsal.Answerer.container(0))
            udp 192.0.2.1 silent
            udp 172.28.0.2 answered(by: Rehearsal.Answerer.container(0))
            tcp 2001:db8:1::1 silent
            tcp 2001:db8:7::2 answered(by: Rehearsal.Answerer.container(0))
            udp 2001:db8:1::1 silent
            udp 2001:db8:7::2 answered(by: Rehearsal.Answerer.container(0))

            """
        #expect(result.output == expected, "\(result)")
    }

    @Test(.enabled(if: try UserNamespaces.areAllowed())) func `says which setting of the kernel forbids it`() throws {
        // In a user namespace that may have no other within.
        let result = try Self.runAsNobody { program in
            [
                "unshare", "--user", "--map-current-user", "--keep-caps", "sh", "-c",
                "echo 0 > /proc/sys/user/max_user_namespaces && exec setpriv --ambient-caps=-all --inh-caps=-all \(program)",
            ]
        }
        #expect(result.status == 3)
        #expect(
            result.output == """
                the kernel lets this user make no user namespace: user.max_user_namespaces is 0

                """, "\(result)")
    }

    /// From a place that everybody can read.
    private static func runAsNobody(_ arguments: (String) -> [String] = { [$0] }) throws -> ProgramResult {
        let folder = FileManager.default.temporaryDirectory.appending(path: "rootless-stage-\(UUID())")
        try FileManager.default.createDirectory(
            at: folder, withIntermediateDirectories: false, attributes: [.posixPermissions: 0o755])
        defer { try? FileManager.default.removeItem(at: folder) }
        let program = folder.appending(path: "RootlessStage").path
        let bundle = try FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")
        let built = URL(filePath: bundle).deletingLastPathComponent().appending(path: "RootlessStage").path
        // By another program: what other tests start at the moment would hold the file open for writing, were it ours.
        _ = try Program(["cp", built, program]).run().orThrow()
        return try Program(
            ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"] + arguments(program)
        ).run()
    }
}

/// Whether this machine's kernel lets anybody make one; under CI it has to.
enum UserNamespaces {
    static func areAllowed() throws -> Bool {
        let result = try Program([
            "setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "unshare", "--user", "--map-root-user",
            "--net", "true",
        ]).run()
        if !result.succeeded, Requirement.isUnderCI { throw Forbidden(reason: "\(result)") }
        return result.succeeded
    }

    struct Forbidden: Error {
        let reason: String
    }
}

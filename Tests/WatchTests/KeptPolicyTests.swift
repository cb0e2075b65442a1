import Foundation
import State
import TestSupport
import Testing

@Suite struct `A policy that is kept` {
    private func with(_ body: (RuntimeDirectory, KeptPolicy) throws -> Void) throws {
        let path = NSTemporaryDirectory() + "dnft-kept-\(UUID().uuidString)"
        defer { try? FileManager.default.removeItem(atPath: path) }
        let texts = KeptPolicy.Texts(
            path: "/etc/dockernft/policy.yaml",
            files: ["/etc/dockernft/policy.yaml": Array("version: 1\n".utf8), "/etc/list": [0, 255, 10], "": []],
            digest: "0123")
        let kept = KeptPolicy(boot: RuntimeDirectory.boot, namespace: 7, wish: .inForce(texts))
        try body(RuntimeDirectory(path: path), kept)
    }

    @Test func `is read as it was written, once it is confirmed`() throws {
        try with { directory, kept in
            try directory.keepPending(kept)
            #expect(directory.policy(namespace: 7) == nil)
            #expect(directory.pendingPolicy(namespace: 7) == kept)
            try directory.confirmPending(namespace: 7)
            #expect(directory.policy(namespace: 7) == kept)
            #expect(directory.pendingPolicy(namespace: 7) == nil)
            #expect(directory.policy(namespace: 8) == nil)
            var removal = kept
            removal.wish = .removed
            try directory.keepPending(removal)
            try directory.confirmPending(namespace: 7)
            #expect(directory.policy(namespace: 7) == removal)
        }
    }

    @Test func `is none when it is of another boot`() throws {
        try with { directory, kept in
            var earlier = kept
            earlier.boot = "another"
            try directory.keepPending(earlier)
            #expect(directory.pendingPolicy(namespace: 7) == nil)
        }
    }

    @Test func `is none when any byte of it is another, or missing`() throws {
        try with { directory, kept in
            try directory.keepPending(kept)
            let file = "\(directory.path)/7.policy.pending"
            let bytes = try Data(contentsOf: URL(filePath: file))
            for index in bytes.indices {
                var damaged = bytes
                damaged[index] ^= 1
                try damaged.write(to: URL(filePath: file))
                #expect(directory.pendingPolicy(namespace: 7) == nil, "byte \(index)")
                try bytes.prefix(index).write(to: URL(filePath: file))
                #expect(directory.pendingPolicy(namespace: 7) == nil, "\(index) bytes")
            }
        }
    }
}

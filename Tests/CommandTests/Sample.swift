import NftablesKernel
import TestSupport

/// One policy that has something of everything, for tests to change.
enum Sample {
    static let policy = """
        version: 1
        groups:
          office: [203.0.113.0/24, "2001:db8:10::/48"]
        services:
          django: { publish: 8081, allow: [office, 192.0.2.7] }
          site: { publish: [80, 443/udp], allow: anyone }
          db: { publish: 5432, allow: [198.51.100.7] }

        """

    /// Without its lints, so that standard error tells of nothing else.
    static let quiet = """
        version: 1
        services:
          django: { publish: 8081, allow: [203.0.113.0/24] }

        """
}

extension Installation {
    /// The kernel's count of commits in the namespace.
    func generation() throws -> UInt32 {
        var connection = try KernelConnection(namespace: namespace.path)
        return try connection.generation()
    }

    func listing() throws -> String { try nft("list", "table", "inet", "dockernft") }

    /// Without the rules' and the elements' counters.
    func ruleset() throws -> String { try nft("-s", "list", "ruleset") }
}

internal import Compiler
internal import Nftables
internal import NftablesKernel
internal import State

extension KernelSession {
    /// What the next command is to know of a table that is as it was wanted; nil where it could not tell whose it is.
    func record(
        of wanted: LinearRuleset, in table: ObservedTable, from source: AppliedRecord.Waiting,
        waiting: AppliedRecord.Waiting? = nil
    ) -> AppliedRecord? {
        namespaceCookie.map { cookie in
            AppliedRecord(
                policyPath: source.policyPath, appliedAt: source.appliedAt, digest: Compiler.digest(of: wanted) ?? "",
                place: .init(
                    boot: RuntimeDirectory.boot, namespace: cookie, generation: table.generation, table: table.handle),
                elements: wanted.elements, waiting: waiting)
        }
    }
}

extension AppliedRecord.Waiting {
    /// Where the rules came from that nothing takes back; empty where that is not known.
    static func settled(in record: AppliedRecord?) -> Self {
        Self(policyPath: record?.policyPath ?? "", appliedAt: record?.appliedAt ?? 0)
    }
}

extension LinearRuleset {
    fileprivate var elements: [String: Elements] {
        Dictionary(sets.map { ($0.name, $0.elements) }) { first, _ in first }
    }
}

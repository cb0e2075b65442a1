internal import Addressing
internal import Digest
public import Nftables

/// A digest of what the kernel runs, by which a table tells of which policy it is, and whether it still is.
///
/// Two policies that mean the same have the same digest, however they are written; and a table read back from the kernel has the
/// digest that it was loaded with, unless somebody has changed it.
public enum PolicyDigest {
    public static func hexadecimal(of ruleset: LinearRuleset) -> String {
        var digest = SHA256()
        for counter in ruleset.counters.sorted(by: { $0.name < $1.name }) { digest.add(counter.name) }
        for limit in ruleset.limits.sorted(by: { $0.name < $1.name }) {
            digest.add(limit.name)
            digest.add(limit.rate)
            digest.add(limit.unit.rawValue)
            digest.add(limit.burst)
        }
        for set in ruleset.sets.sorted(by: { $0.name < $1.name }) { add(set, to: &digest) }
        for chain in ruleset.chains.sorted(by: { $0.name < $1.name }) where chain.name != Compiler.digestChainName {
            add(chain, to: &digest)
        }
        return digest.hexadecimal
    }

    private static func add(_ chain: LinearChain, to digest: inout SHA256) {
        digest.add(chain.name)
        if let base = chain.base {
            digest.add(base.hook.number)
            if let device = base.hook.device { digest.add(device) }
            digest.add(base.priority)
            digest.add(base.policy.rawValue)
        }
        digest.add(chain.rules.count)
        for rule in chain.rules {
            digest.add(rule.comment ?? "")
            digest.add(rule.expressions.count)
            for expression in rule.expressions { digest.add(expression) }
        }
    }

    private static func add(_ set: NamedSet, to digest: inout SHA256) {
        digest.add(set.name)
        for type in set.key { digest.add(type.rawValue) }
        digest.add(set.elements.count)
        switch set.elements {
        case .ipv4(let addresses):
            for range in addresses.ranges {
                digest.add(range.lowerBound)
                digest.add(range.upperBound)
            }
        case .ipv6(let addresses):
            for range in addresses.ranges {
                digest.add(range.lowerBound)
                digest.add(range.upperBound)
            }
        case .keyed(let elements):
            for element in elements.sorted(by: { $0.key.lexicographicallyPrecedes($1.key) }) {
                for field in element.key {
                    digest.add(field.low)
                    digest.add(field.high)
                }
                if let verdict = element.verdict { digest.add(verdict) }
                if let timeout = element.timeout { digest.add(timeout) }
            }
        }
    }
}

internal import Addressing
internal import Digest
internal import Nftables

/// A digest of what the kernel will run: two policies that mean the same have the same, however they are written.
enum PolicyDigest {
    static func hexadecimal(of ruleset: Ruleset) -> String {
        var digest = SHA256()
        let linear = ruleset.linearized()
        for counter in linear.counters { digest.add(counter.name) }
        for limit in linear.limits {
            digest.add(limit.name)
            digest.add(limit.rate)
            digest.add(limit.unit.rawValue)
            digest.add(limit.burst)
        }
        for set in linear.sets { add(set, to: &digest) }
        for chain in linear.chains {
            digest.add(chain.name)
            if let base = chain.base {
                digest.add(base.hook.rawValue)
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
        return digest.hexadecimal
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
            for element in elements {
                for field in element.key {
                    digest.add(field.low)
                    digest.add(field.high)
                }
                if let verdict = element.verdict { digest.add(verdict) }
            }
        }
    }
}

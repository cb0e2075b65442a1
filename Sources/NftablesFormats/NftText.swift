public import Nftables

/// nft's own text, spelled as `nft list table` of nft 1.0.6 spells it.
public enum NftText {
    /// What `nft -f` loads in the place of the table, in one transaction.
    public static func text(_ ruleset: Ruleset) -> String {
        TextBuffer.text { buffer in
            write(ruleset, replacing: true, to: &buffer)
        }
    }

    /// The same as bytes, for a file.
    public static func bytes(_ ruleset: Ruleset) -> [UInt8] {
        var buffer = TextBuffer()
        write(ruleset, replacing: true, to: &buffer)
        return buffer.bytes
    }

    /// What `nft list table` prints once it is loaded.
    public static func listing(_ ruleset: Ruleset) -> String {
        TextBuffer.text { buffer in
            write(ruleset, replacing: false, to: &buffer)
        }
    }

    private static func write(_ ruleset: Ruleset, replacing: Bool, to buffer: inout TextBuffer) {
        let table = "table \(Table.family) \(ruleset.table.name)"
        if replacing {
            // A table must exist to be deleted: the first line makes it where there is none.
            buffer.append("\(table)\ndelete \(table)\n\n")
        }
        buffer.append("\(table) {\n")
        if let comment = ruleset.table.comment { buffer.append("\tcomment \"\(Spelling.comment(comment))\"\n") }
        var isFirst = true
        func separate() {
            if !isFirst { buffer.append("\n") }
            isFirst = false
        }
        for counter in ruleset.counters {
            separate()
            buffer.append("\tcounter \(counter.name) {\n\t\tpackets 0 bytes 0\n\t}\n")
        }
        for limit in ruleset.limits {
            separate()
            let burst = limit.burst == Limit.defaultBurst ? "" : " burst \(limit.burst) packets"
            buffer.append("\tlimit \(limit.name) {\n\t\trate \(limit.rate)/\(limit.unit.word)\(burst)\n\t}\n")
        }
        for set in ruleset.sets {
            separate()
            write(set, to: &buffer)
        }
        for chain in ruleset.chains {
            separate()
            write(chain, to: &buffer)
        }
        buffer.append("}\n")
    }

    private static func write(_ chain: Chain, to buffer: inout TextBuffer) {
        buffer.append("\tchain \(chain.name) {\n")
        if let base = chain.base {
            buffer.append(
                "\t\ttype filter hook \(base.hook.text) priority \(base.priorityText); policy \(base.policy.word);\n")
        }
        for rule in chain.rules {
            buffer.append("\t\t")
            buffer.append(text(rule: rule))
            buffer.append("\n")
        }
        buffer.append("\t}\n")
    }
}

extension BaseChain {
    /// `priority filter - 10`: nft names the priority nearest to the number, as far as ten from it.
    var priorityText: String {
        for named in Self.namedPriorities {
            if let hook = named.hook, hook != self.hook { continue }
            let offset = Int(priority) - Int(named.priority)
            if offset == 0 { return named.word }
            if abs(offset) <= 10 { return "\(named.word) \(offset < 0 ? "-" : "+") \(abs(offset))" }
        }
        return String(priority)
    }

    /// `enum nf_ip_hook_priorities`, and the hook that a name belongs to where it is one alone.
    private static let namedPriorities: [(word: String, priority: Int32, hook: Hook?)] = [
        ("raw", -300, nil), ("mangle", -150, nil), ("dstnat", -100, .prerouting), ("filter", 0, nil),
        ("security", 50, nil), ("srcnat", 100, .postrouting),
    ]
}

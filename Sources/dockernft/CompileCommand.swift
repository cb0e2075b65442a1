internal import ArgumentParser
internal import Console
internal import Files
internal import Nftables
internal import NftablesFormats

struct Compile: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Print the ruleset that a policy becomes.",
        discussion: """
            nft: for 'nft -f', and what 'nft list table inet dockernft' shows once it is applied. json: for 'nft -j -f'. \
            iptables: for 'iptables-restore --noflush' and, with --family ipv6, 'ip6tables-restore --noflush', where \
            Docker's DOCKER-USER chain is.
            """)

    enum Format: String, ExpressibleByArgument, CaseIterable {
        case nft
        case json
        case iptables
    }

    enum Family: String, ExpressibleByArgument, CaseIterable {
        case ipv4
        case ipv6
    }

    @OptionGroup var policy: PolicyArgument
    @OptionGroup var docker: DockerOptions
    @OptionGroup var diagnostics: DiagnosticOptions

    @Option(help: "What to print it as.")
    var format = Format.nft

    @Option(help: "With iptables, only the input for this family; otherwise one after the other.")
    var family: Family?

    @Option(
        help: ArgumentHelp(
            "With --family: what iptables-save prints on the host, so that the chains and jumps of an earlier load are replaced.",
            valueName: "file"),
        completion: .file())
    var replacing: String?

    mutating func validate() throws {
        if family != nil, format != .iptables {
            throw ValidationError("--family goes with --format iptables; nft and json hold both families")
        }
        if replacing != nil, family == nil {
            throw ValidationError("--replacing goes with --family, for iptables-save prints one family")
        }
    }

    mutating func run() throws {
        // A control group's number is of this boot and of this run of Docker: nothing to be printed and loaded later.
        let target = try PolicyFile.read(policy.path, diagnostics).target(docker.look().withoutProxyGroup, diagnostics)
        switch format {
        case .nft: try Console.write(NftText.bytes(target.ruleset))
        case .json: try Console.write(NftJSON.bytes(target.ruleset))
        case .iptables: try printIptables(target)
        }
    }

    private func printIptables(_ target: PolicyTarget) throws {
        var present = IptablesPresence.none
        if let replacing {
            do {
                present = IptablesPresence(saved: String(decoding: try File.read(replacing), as: UTF8.self))
            } catch {
                Console.report("dockernft: \(error)")
                throw ExitStatus.trouble
            }
        }
        let iptables = IptablesText(target.ruleset, replacing: (present, present))
        for limitation in iptables.limitations { Console.report("dockernft: iptables \(limitation.words)") }
        if iptables.limitations.contains(where: { $0.effect == .leftOut }) {
            Console.report("dockernft: nothing printed: iptables cannot say this policy")
            throw ExitStatus.no
        }
        switch family {
        case .ipv4: try print(iptables.ipv4.text)
        case .ipv6: try print(iptables.ipv6.text)
        case nil:
            try print("# iptables-restore --noflush\n\(iptables.ipv4.text)")
            try print("# ip6tables-restore --noflush\n\(iptables.ipv6.text)")
        }
    }

    private func print(_ text: String) throws { try Console.write(Array(text.utf8)) }
}

extension IptablesLimitation {
    fileprivate var words: String {
        let place = origin.map { "\($0.file):\($0.line): " } ?? ""
        return switch effect {
        case .leftOut: "cannot say this: \(place)\(reason) (chain \(chain))"
        case .approximated: "says this otherwise: \(place)\(reason) (chain \(chain))"
        }
    }
}

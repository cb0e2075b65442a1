internal import ArgumentParser
internal import Addressing
internal import Console
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
    @OptionGroup var diagnostics: DiagnosticOptions

    @Option(help: "What to print it as.")
    var format = Format.nft

    @Option(help: "With iptables, only the input for this family; otherwise one after the other.")
    var family: Family?

    mutating func validate() throws {
        if family != nil, format != .iptables {
            throw ValidationError("--family goes with --format iptables; nft and json hold both families")
        }
    }

    mutating func run() throws {
        let target = try PolicyFile.target(policy.path, diagnostics.diagnostics)
        switch format {
        case .nft: Console.write(NftText.bytes(target.ruleset), to: .output)
        case .json: Console.write(NftJSON.bytes(target.ruleset), to: .output)
        case .iptables: Console.report("not yet")
        }
    }
}

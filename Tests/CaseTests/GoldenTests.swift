import Nftables
import NftablesFormats
import TestSupport
import Testing

/// The shop window: what each policy becomes, beside it.
@Suite struct `What a case's policy becomes is recorded` {
    @Test(arguments: try Case.names()) func `as nft text`(name: String) throws {
        let it = try Case(name)
        try it.golden("ruleset.nft").expect(NftText.text(it.ruleset))
    }

    @Test(arguments: try Case.names()) func `as nft JSON`(name: String) throws {
        let it = try Case(name)
        try it.golden("ruleset.json").expect(NftJSON.text(it.ruleset))
    }

    @Test(arguments: try Case.names()) func `as the kernel's expressions`(name: String) throws {
        let it = try Case(name)
        try it.golden("ruleset.expr").expect(ExpressionText.text(it.linear))
    }

    @Test(arguments: try Case.names()) func `for DOCKER-USER, with nothing left out`(name: String) throws {
        let it = try Case(name)
        let text = IptablesText(it.ruleset)
        try it.golden("docker-user.v4").expect(text.ipv4.text)
        try it.golden("docker-user.v6").expect(text.ipv6.text)
        let leftOut = text.limitations.filter { $0.effect == .leftOut }
        #expect(leftOut.map(\.chain) == (it.isWholeInDockerUser ? [] : ["ingress-ext0"]))
    }

    @Test(arguments: try Case.names()) func `as what becomes of each packet from outside, and why`(name: String) throws
    {
        let it = try Case(name)
        try it.golden("traces.txt").expect(it.traces())
    }
}

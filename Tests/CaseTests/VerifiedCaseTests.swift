import TestSupport
import Testing
import Verification

@Suite(.serialized, .requires(.root)) struct `The policy of every case` {
    @Test(arguments: try Case.names()) func `is kept by what it compiles to, tried with real packets`(name: String)
        throws
    {
        let it = try Case(name)
        let result = try Verifier(it.policy, ruleset: it.linear).verify()
        #expect(result.differences.map { "\($0)" } == [])
        #expect(result.tried == result.possible)
    }
}

internal import ArgumentParser
internal import Console
internal import NftablesKernel
internal import Presentation
internal import Reconcile

struct Diff: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Say who gains and who loses what if the policy were applied. Exit status 0: nothing, 1: something.")

    @OptionGroup var policy: PolicyArgument
    @OptionGroup var kernel: KernelOptions
    @OptionGroup var output: OutputOptions
    @OptionGroup var docker: DockerOptions
    @OptionGroup var diagnostics: DiagnosticOptions

    @Flag(help: "Also show what changes in the table.")
    var rules = false

    mutating func run() throws {
        let file = try PolicyFile.read(policy.path, diagnostics)
        let session = try KernelSession(kernel)
        let target = try file.target(session.trusting(docker.look()), on: session, diagnostics)
        let live = try LiveTable.read(session)
        if live.isForeign { Console.report(Apply.foreignTable) }
        if let waiting = live.waiting { Console.report(waiting.note) }
        let plan = LivePlan(target, against: live.withoutWaiting).plan(on: session)
        if output.json {
            try Console.print(try plan.json())
        } else if plan.difference.isEmpty {
            try Console.print("the kernel is as \(policy.path) says")
        } else {
            try PlanPrinter.show(plan, withRules: rules, coloured: diagnostics.colour.isColoured(.output))
            if plan.accessLines.isEmpty, !rules {
                try Console.print("  nobody gains or loses a port; --rules shows what changes in the table")
            }
        }
        if !plan.difference.isEmpty { throw ExitStatus.no }
    }
}

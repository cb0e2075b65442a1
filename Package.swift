// swift-tools-version: 6.3
import PackageDescription

let ours: [SwiftSetting] = [
    .strictMemorySafety(),
    .treatAllWarnings(as: .error),
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("InternalImportsByDefault"),
    .enableUpcomingFeature("MemberImportVisibility"),
    .enableUpcomingFeature("NonisolatedNonsendingByDefault"),
    .enableExperimentalFeature("Lifetimes"),
]

/// A library target of ours. What it may import is this table, and LayeringTests holds the sources to it.
func layer(_ name: String, _ dependencies: [Target.Dependency] = [], others: [Target.Dependency] = []) -> Target {
    .target(name: name, dependencies: dependencies + others, swiftSettings: ours)
}

let nio = ["NIOCore", "NIOPosix", "NIOHTTP1"].map { Target.Dependency.product(name: $0, package: "swift-nio") }

/// Goldens are read from the source tree, so that they can be written there too: `excluding` keeps them out of the build.
func tests(_ name: String, _ dependencies: [Target.Dependency], excluding: [String] = []) -> Target {
    .testTarget(name: name, dependencies: dependencies, exclude: excluding, swiftSettings: ours)
}

/// A program that tests start.
func testProgram(_ name: String, _ dependencies: [Target.Dependency]) -> Target {
    .executableTarget(name: name, dependencies: dependencies, path: "Tests/Programs/\(name)", swiftSettings: ours)
}

func system(_ name: String, pkgConfig: String, apt: String) -> Target {
    .systemLibrary(name: name, pkgConfig: pkgConfig, providers: [.apt([apt])])
}

let package = Package(
    name: "dockernft",
    products: [.executable(name: "dockernft", targets: ["dockernft"])],
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
        .package(url: "https://github.com/apple/swift-nio", from: "2.101.2"),
    ],
    targets: [
        .executableTarget(
            name: "dockernft",
            dependencies: [
                "Presentation", "Audit", "Reachability", "Questions", "Reconcile", "Simulator", "Compiler", "Policy",
                "State", "Verification", "Rehearsal", "NftablesKernel", "Conntrack",
                "NftablesFormats", "Nftables", "Diagnostics", "Addressing", "Console", "Files", "Docker",
                "DockerSocket", "Daemon",
                "HostRules", "Lockout", "Confirmation", "Recording",
                .product(name: "ArgumentParser", package: "swift-argument-parser"),
            ],
            swiftSettings: ours),
        layer(
            "Presentation",
            [
                "Audit", "Conntrack", "Diagnostics", "Addressing", "HostRules", "Lockout", "Nftables",
                "NftablesFormats",
                "Questions", "Reachability", "Reconcile", "Simulator", "Verification",
            ]),
        layer("Questions", ["Simulator", "Policy", "Docker", "Nftables", "Diagnostics", "Addressing"]),
        layer("Reconcile", ["Nftables", "Addressing"]),
        layer(
            "Verification",
            [
                "Rehearsal", "Simulator", "Reconcile", "NftablesKernel", "Nftables", "Policy", "Docker", "Diagnostics",
                "Addressing",
            ]),
        layer("Simulator", ["Nftables", "Addressing"]),
        layer("Recording", ["NftablesKernel", "HostRules", "Docker", "Addressing"]),
        layer("Confirmation", ["Nftables", "Addressing"]),
        layer("Compiler", ["Policy", "Nftables", "Addressing", "Diagnostics", "Digest", "Docker"]),
        layer("DockerSocket", ["Docker", "Addressing", "Files"], others: nio),
        layer("Docker", ["Addressing"]),
        layer(
            "Audit",
            ["Reachability", "Simulator", "Compiler", "Nftables", "HostRules", "Docker", "Policy", "Addressing"]),
        layer("Reachability", ["HostRules", "Addressing"]),
        layer("HostRules", ["Addressing"]),
        layer("Lockout", ["HostRules", "Simulator", "Nftables", "Addressing", "Files"]),
        layer("State", ["Nftables", "Addressing", "Files", "Docker"]),
        layer("Files"),
        layer("Rehearsal", ["NftablesKernel", "Nftables", "Addressing", "Files", "Namespaces", "CLinux"]),
        layer("Console"),
        layer("Daemon", ["CLinux"]),
        layer("Digest", ["CMd"]),
        layer("Policy", ["YAML", "Addressing", "Diagnostics", "Docker", "Files"]),
        layer(
            "NftablesKernel",
            ["Nftables", "HostRules", "Addressing", "Files", "Namespaces", "CMnl", "CNftnl", "CLinux"]),
        layer("Conntrack", ["Simulator", "HostRules", "Addressing", "Namespaces", "CConntrack"]),
        layer("Namespaces", ["CLinux"]),
        layer("NftablesFormats", ["Nftables", "Addressing"]),
        layer("Nftables", ["Addressing"]),
        layer("YAML", ["CLibYAML", "Diagnostics"]),
        layer("Diagnostics"),
        layer("Addressing"),
        system("CMnl", pkgConfig: "libmnl", apt: "libmnl-dev"),
        system("CNftnl", pkgConfig: "libnftnl", apt: "libnftnl-dev"),
        system("CLibYAML", pkgConfig: "yaml-0.1", apt: "libyaml-dev"),
        system("CConntrack", pkgConfig: "libnetfilter_conntrack", apt: "libnetfilter-conntrack-dev"),
        system("CMd", pkgConfig: "libmd", apt: "libmd-dev"),
        .target(name: "CLinux"),
        .target(
            name: "TestSupport", dependencies: ["CLinux", "Addressing"], path: "Tests/TestSupport", swiftSettings: ours),
        tests("TestSupportTests", ["TestSupport"]),
        tests(
            "KernelTests",
            [
                "TestSupport", "Compiler", "Policy", "Docker", "Diagnostics", "Addressing", "Nftables",
                "NftablesFormats",
                "NftablesKernel", "Reconcile", "Simulator", "Rehearsal", "Confirmation", "Audit", "HostRules",
                "Reachability",
            ]),
        tests(
            "CaseTests",
            [
                "TestSupport", "MatrixSupport", "Compiler", "Policy", "Docker", "Diagnostics", "Addressing", "Nftables",
                "NftablesFormats",
                "NftablesKernel", "Reconcile", "Simulator", "Verification",
            ]),
        .target(name: "Samples", dependencies: ["Nftables", "Addressing"], path: "Tests/Samples", swiftSettings: ours),
        tests("SimulatorTests", ["Simulator", "Nftables", "Addressing", "Samples"]),
        tests("NftablesKernelTests", ["NftablesKernel", "Nftables", "HostRules", "Addressing", "CNftnl"]),
        tests("NftablesFormatsTests", ["NftablesFormats", "Nftables", "Addressing", "Simulator", "Samples"]),
        tests("AddressingTests", ["Addressing"]),
        tests(
            "VerificationTests",
            [
                "TestSupport", "Verification", "Rehearsal", "Compiler", "Policy", "Docker", "Nftables", "Simulator",
                "Addressing", "Diagnostics", "NftablesKernel", "MatrixSupport", "HostRules", "Recording",
                "DockerSocket",
            ]),
        tests("DiagnosticsTests", ["Diagnostics"]),
        tests("YAMLTests", ["YAML", "Diagnostics"]),
        tests(
            "PolicyTests",
            ["Policy", "Docker", "Addressing", "Diagnostics", "Presentation", "Questions", "Compiler", "Nftables"],
            excluding: ["Bad"]),
        tests(
            "QuestionsTests",
            ["Questions", "Policy", "Compiler", "Nftables", "Simulator", "Docker", "Diagnostics", "Addressing"]),
        tests("ReachabilityTests", ["TestSupport", "Reachability", "NftablesKernel", "HostRules", "Addressing"]),
        tests(
            "AuditTests",
            [
                "TestSupport", "MatrixSupport", "Audit", "Presentation", "Reachability", "HostRules", "Docker",
                "DockerSocket",
                "NftablesKernel", "Policy",
                "Addressing", "Diagnostics",
            ]),
        tests(
            "ConntrackTests",
            [
                "TestSupport", "Conntrack", "HostRules", "Nftables", "Presentation", "Reconcile", "Simulator",
                "Addressing",
            ]),
        tests("LayeringTests", []),
        .target(
            name: "MatrixSupport",
            dependencies: [
                "TestSupport", "Compiler", "Policy", "Docker", "Addressing", "Nftables", "NftablesKernel", "Reconcile",
                "HostRules", "Reachability", "Audit",
            ],
            path: "Tests/MatrixSupport", swiftSettings: ours),
        tests("MatrixTests", ["MatrixSupport", "TestSupport", "Addressing"]),
        tests("DockerTests", ["TestSupport", "MatrixSupport", "Addressing"]),
        tests(
            "DockerSocketTests", ["TestSupport", "DockerSocket", "Docker", "State", "Addressing"] + nio),
        tests("PodmanTests", ["TestSupport", "DockerSocket", "Docker", "Addressing"]),
        tests("SwarmTests", ["TestSupport", "Addressing"]),
        tests("RehearsalTests", ["TestSupport", "Rehearsal", "Addressing", "RootlessStage"]),
        testProgram("RootlessStage", ["Rehearsal", "NftablesKernel", "Nftables", "Addressing"]),
        tests("WatchTests", ["TestSupport", "State"]),
        tests(
            "ConfirmationTests",
            ["TestSupport", "Confirmation", "Compiler", "Nftables", "NftablesKernel", "Addressing", "Files"]),
        tests("CommandTests", ["TestSupport", "Compiler", "Nftables", "NftablesKernel"]),
        tests("LockoutTests", ["TestSupport"]),
        tests("FaultTests", ["TestSupport", "Compiler", "Nftables", "NftablesKernel"]),
    ]
)

/// A program that libFuzzer starts: it has a runtime of its own, hence it is among the targets for `make fuzz` alone.
func fuzzer(_ name: String, _ dependencies: [Target.Dependency]) -> Target {
    .executableTarget(name: name, dependencies: dependencies, path: "Fuzz/\(name)", swiftSettings: ours)
}

if Context.environment["DOCKERNFT_FUZZ"] != nil {
    package.targets += [
        fuzzer(
            "NetlinkFuzz",
            [
                "NftablesKernel", "NftablesFormats", "Nftables", "HostRules", "Addressing", "Reconcile", "Simulator",
                "Recording", "Docker",
            ]),
        fuzzer(
            "PolicyFuzz",
            [
                "Policy", "Compiler", "Presentation", "Reconcile", "State", "NftablesKernel", "NftablesFormats",
                "Nftables", "Diagnostics", "Addressing",
            ]),
    ]
}

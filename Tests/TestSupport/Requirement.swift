import Foundation
import Glibc
public import Testing

/// What a test needs of the machine. A test that lacks it is skipped with the reason, on a laptop; under `CI` it fails.
///
/// `@Suite(.serialized, .requires(.root, .nft))`
public enum Requirement: Hashable, Sendable {
    case root
    case nft
    case iptables
    case conntrack
    case dockerd
    /// The hierarchy of version 2, alone or beside others.
    case controlGroups
    /// Rootful, with netavark.
    case podman
    case program(String)

    /// Everything that a `DockerHost` needs.
    public static let packets: [Requirement] = [.root, .program("ip"), .nft, .iptables]

    /// Everything that a `RealDocker` needs.
    public static let docker: [Requirement] = packets + [.dockerd]

    /// Everything that a `RealPodman` needs.
    public static let realPodman: [Requirement] = packets + [.podman]

    /// Why it is not met, or nil.
    public var lack: String? {
        switch self {
        case .root: getuid() == 0 ? nil : "needs root"
        case .nft: Self.program("nft").lack
        case .iptables: Self.program("iptables-nft-restore").lack ?? Self.program("ip6tables-nft-restore").lack
        case .conntrack: Self.program("conntrack").lack
        case .dockerd:
            ["dockerd", "containerd", "docker", "busybox"].lazy.compactMap { Self.program($0).lack }.first
                ?? (Self.hasCgroups ? nil : "needs mounted cgroups")
        case .controlGroups: ControlGroup.hierarchy == nil ? "needs mounted cgroups of version 2" : nil
        case .podman:
            ["podman", "conmon", "runc", "busybox"].lazy.compactMap { Self.program($0).lack }.first
                ?? (Self.hasNetavark ? nil : "needs netavark") ?? (Self.hasCgroups ? nil : "needs mounted cgroups")
        case .program(let name): findProgram(name) == nil ? "needs \(name) on PATH" : nil
        }
    }

    /// Podman looks for it beside its other parts, not on PATH.
    private static var hasNetavark: Bool {
        ["/usr/lib/podman", "/usr/libexec/podman", "/usr/local/libexec/podman"].contains {
            unsafe access("\($0)/netavark", X_OK) == 0
        }
    }

    private static var hasCgroups: Bool {
        textOfKernelFile("/proc/self/mountinfo").contains(" - cgroup")
    }

    public static var isUnderCI: Bool { isCI }

    static var isCI: Bool { ProcessInfo.processInfo.environment["CI"].map { !$0.isEmpty } ?? false }
}

/// Where PATH has a program.
func findProgram(_ name: String) -> String? {
    (ProcessInfo.processInfo.environment["PATH"] ?? "").split(separator: ":").map { "\($0)/\(name)" }.first {
        unsafe access($0, X_OK) == 0
    }
}

extension Trait where Self == ConditionTrait {
    public static func requires(_ requirements: Requirement...) -> Self { requires(requirements) }

    /// What a `DockerHost` needs.
    public static var requiresPackets: Self { requires(Requirement.packets) }

    /// What a `RealDocker` needs.
    public static var requiresDocker: Self { requires(Requirement.docker) }

    /// What a `RealPodman` needs.
    public static var requiresPodman: Self { requires(Requirement.realPodman) }

    public static func requires(_ requirements: [Requirement]) -> Self {
        let lacks = requirements.compactMap(\.lack).joined(separator: ", ")
        return .enabled(if: try mayRun(lacking: lacks), Comment(rawValue: lacks))
    }
}

private func mayRun(lacking lacks: String) throws -> Bool {
    if !lacks.isEmpty, Requirement.isCI { throw BenchError("\(lacks), and under CI nothing is skipped") }
    return lacks.isEmpty
}

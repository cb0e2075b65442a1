internal import Addressing

extension Stage {
    /// After so many rounds without an answer, somebody is not there.
    private static let patience = 200

    /// A bridge lets nothing through to a link until it has heard that the link is up: before there are rules, everybody behind one
    /// must answer.
    func greet() throws(StageError) {
        var greetings: [Shot] = []
        for container in setting.containers {
            guard let bridge = setting.bridges.first(where: { $0.name == container.link }) else { continue }
            for address in container.addresses {
                guard let own = bridge.subnets.first(where: { $0.gateway.family == address.family }) else { continue }
                greetings.append(Shot(.ping, from: own.gateway, to: address, port: 0, by: .host))
            }
        }
        for _ in 0..<Self.patience where !greetings.isEmpty {
            let fates = try fates(of: greetings)
            greetings = zip(greetings, fates).filter { $1 == .silent }.map(\.0)
        }
        if !greetings.isEmpty { throw .unresponsive("\(greetings.count) addresses of containers on the stage") }
    }
}

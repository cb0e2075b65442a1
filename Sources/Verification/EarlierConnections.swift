internal import Addressing
internal import Rehearsal

/// The connections that claims are about, opened while nothing of ours stands in their way.
struct EarlierConnections {
    private let claims: [Claim]
    /// Their places among all claims.
    private let places: [Int]
    private var connections: OpenConnections

    init(_ all: [Claim], on stage: Stage) throws(StageError) {
        let places = all.indices.filter { all[$0].connection == .open }
        self.places = places
        claims = places.map { all[$0] }
        connections = try stage.open(claims.map(\.shot))
    }

    /// With the places of those that could be opened. To be asked before anything else is sent.
    mutating func fates(on stage: Stage, _ scene: Scene) throws(StageError) -> [(place: Int, fate: Fate)] {
        if claims.isEmpty { return [] }
        var fates = try stage.fates(of: &connections)
        // As of first packets: one may have got lost.
        let isDoubtful = zip(claims, fates).contains { claim, fate in
            fate.map { !claim.isKept(by: $0, on: scene) } ?? false
        }
        if isDoubtful {
            for (index, fate) in try stage.fates(of: &connections).enumerated() {
                if let first = fates[index], !claims[index].isKept(by: first, on: scene) { fates[index] = fate }
            }
        }
        return zip(places, fates).compactMap { place, fate in fate.map { (place, $0) } }
    }
}

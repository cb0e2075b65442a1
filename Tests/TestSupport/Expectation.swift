public import Testing

extension DockerHost {
    /// Asks everything at once, and records an issue for every probe that did not end as it expected.
    public func expect(
        _ probes: [Probe], _ comment: Comment? = nil, sourceLocation: SourceLocation = #_sourceLocation
    ) throws {
        for (probe, outcome) in zip(probes, try self.probe(probes)) {
            guard let expected = probe.expected, expected != outcome else { continue }
            let remark = comment.map { " (\($0))" } ?? ""
            Issue.record(
                "\(probe): \(outcome), where \(expected) was expected\(remark)", sourceLocation: sourceLocation)
        }
    }
}

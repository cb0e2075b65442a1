/// Clients of the hosts in tests: those that policies let in as their group `office`, and others beside them, by family and by
/// interface of the host.
public enum Office {
    public static let allowed4 = "203.0.113.7"
    public static let refused4 = "203.0.113.99"
    public static let allowed6 = "2001:db8:10::7"
    public static let refused6 = "2001:db8:10:1::7"
    public static let otherAllowed4 = "198.51.100.10"
    public static let otherRefused4 = "198.51.100.66"
    public static let otherAllowed6 = "2001:db8:20::7"
    public static let otherRefused6 = "2001:db8:20:1::7"
}

/// Paths of policy files. Names in a file are relative to the file that names them.
enum SourcePath {
    static func resolve(_ name: String, namedIn file: String) -> String {
        if name.hasPrefix("/") { return normalized(name) }
        guard let slash = file.lastIndex(of: "/") else { return normalized(name) }
        return normalized(file[..<slash] + "/" + name)
    }

    /// Without `.`, empty parts and `x/..`, so that one file has one name.
    static func normalized(_ path: String) -> String {
        let isAbsolute = path.hasPrefix("/")
        var parts: [Substring] = []
        for part in path.split(separator: "/") where part != "." {
            if part == "..", let last = parts.last, last != ".." {
                parts.removeLast()
            } else if part != ".." || !isAbsolute {
                parts.append(part)
            }
        }
        return (isAbsolute ? "/" : "") + parts.joined(separator: "/")
    }
}

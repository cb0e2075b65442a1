import Foundation

/// Packs the one image of all real containers, busybox, and returns the archive's path.
func packBusybox(under directory: String) throws -> String {
    guard let busybox = findProgram("busybox") else { throw BenchError("needs busybox on PATH") }
    let root = "\(directory)/root"
    try FileManager.default.createDirectory(atPath: "\(root)/bin", withIntermediateDirectories: true)
    try FileManager.default.copyItem(
        atPath: URL(filePath: busybox).resolvingSymlinksInPath().path, toPath: "\(root)/bin/busybox")
    for applet in ["sh", "echo", "mkdir", "httpd", "sleep", "cat", "wget", "nc"] {
        try FileManager.default.createSymbolicLink(atPath: "\(root)/bin/\(applet)", withDestinationPath: "busybox")
    }
    let archive = "\(directory)/root.tar"
    try Program(["tar", "-C", root, "-cf", archive, "."]).run().orThrow()
    return archive
}

#!/usr/bin/env python3
"""What dockernft costs, beside nft doing the same: the medians of five pairs, both sides of a pair in one minute.

Runs in a network namespace of its own, so the rules of this machine are neither read nor changed. Processor time is user and
system time of the process, which has the kernel's work for it in it; memory is the largest resident size, which is never seen
below this program's own 16 MB or so. A target is a ratio, or seconds of processor time where it says so. Exit status 1 when
one is missed.
"""

import argparse
import ctypes
import itertools
import os
import platform
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

PAIRS = 5
CLONE_NEWNET = 0x40000000
TABLE = ("inet", "dockernft")
# The compiler's name for the IPv4 addresses of the group below.
GROUP_SET = "group-clients-v4"
ONE_MORE = "10.255.255.1"

POLICY = """\
version: 1
groups:
  clients: { file: clients.txt }
services:
  web:
    publish: 8081
    allow: [clients]
"""

# The policy that questions are asked of: half of its addresses are in list files, half are written in place.
SERVICES = 10_000
TEAMS = 100
ADDRESSES_OF_A_TEAM = 500
ADDRESSES_OF_A_SERVICE = 5
FIRST_PORT = 10_000
QUESTION_SECONDS = 2.0


class Cost:
    def __init__(self, processor, wall, memory):
        self.processor = processor
        self.wall = wall
        self.memory = memory


def run(arguments, status=0):
    """Runs one program to its end, quietly, and says what it cost."""
    with tempfile.TemporaryFile() as output:
        started = time.perf_counter()
        pid = os.posix_spawn(
            arguments[0],
            arguments,
            os.environ,
            file_actions=[(os.POSIX_SPAWN_DUP2, output.fileno(), 1), (os.POSIX_SPAWN_DUP2, output.fileno(), 2)],
        )
        _, code, usage = os.wait4(pid, 0)
        wall = time.perf_counter() - started
        if os.waitstatus_to_exitcode(code) != status:
            output.seek(0)
            text = output.read(4000).decode(errors="replace")
            sys.exit(f"bench: {' '.join(arguments)} ended with {os.waitstatus_to_exitcode(code)}, not {status}:\n{text}")
    return Cost(usage.ru_utime + usage.ru_stime, wall, usage.ru_maxrss / 1024)


def prefixes():
    """Sorted prefixes, /27 to /32, of which no two touch; the same ones every time."""
    state = 1
    for index in itertools.count():
        state = (state * 1103515245 + 12345) % 2**31
        address = (10 << 24) + index * 160
        octets = ".".join(str(address >> shift & 255) for shift in (24, 16, 8, 0))
        yield f"{octets}/{27 + (state >> 16) % 6}"


def write_lines(path, lines):
    with open(path, "w", encoding="ascii") as file:
        file.writelines(f"{line}\n" for line in lines)


class Bench:
    def __init__(self, dockernft, directory):
        self.dockernft = dockernft
        self.directory = directory
        self.nft = shutil.which("nft") or sys.exit("bench: nft is missing")
        self.missed = 0

    # ---- the two sides

    def policy(self, name, count, more=()):
        """Writes a policy for so many prefixes and the same for nft; returns both paths."""
        folder = os.path.join(self.directory, name)
        os.mkdir(folder)
        write_lines(os.path.join(folder, "clients.txt"), itertools.chain(itertools.islice(prefixes(), count), more))
        return self.compiled(folder, POLICY.splitlines())

    def services(self):
        """Writes the policy that questions are asked of and the same for nft; returns both paths, and a source that is allowed."""
        folder = os.path.join(self.directory, "services")
        os.mkdir(folder)
        source = prefixes()
        lines = ["version: 1", "groups:"]
        for team in range(TEAMS):
            write_lines(os.path.join(folder, f"{team}.txt"), itertools.islice(source, ADDRESSES_OF_A_TEAM))
            lines.append(f"  team-{team}: {{ file: {team}.txt }}")
        lines.append("services:")
        for service in range(SERVICES):
            own = list(itertools.islice(source, ADDRESSES_OF_A_SERVICE))
            allow = ", ".join([f"team-{service % TEAMS}", *own])
            lines.append(f"  service-{service}: {{ publish: {FIRST_PORT + service}, allow: [{allow}] }}")
        return *self.compiled(folder, lines), own[-1]

    def compiled(self, folder, policy):
        path = os.path.join(folder, "policy.yaml")
        write_lines(path, policy)
        ruleset = os.path.join(folder, "ruleset.nft")
        with open(ruleset, "wb") as file:
            subprocess.run([self.dockernft, "compile", path, "--format", "nft"], stdout=file, check=True)
        return path, ruleset

    def apply(self, policy):
        return run([self.dockernft, "apply", policy, "--runtime-directory", os.path.join(self.directory, "run"),
                    "--state-directory", os.path.join(self.directory, "state")])

    def load(self, ruleset):
        return run([self.nft, "-f", ruleset])

    def forget(self):
        """As if nothing had ever been applied. What the kernel puts off until nobody can see a set any more is waited for."""
        subprocess.run([self.nft, "delete", "table", *TABLE], stderr=subprocess.DEVNULL, check=False)
        for kept in ("run", "state"):
            shutil.rmtree(os.path.join(self.directory, kept), ignore_errors=True)
        time.sleep(0.3)

    # ---- comparisons

    def pairs(self, ours, theirs):
        """Costs of both, five times, the first of a pair now this one and now that."""
        pairs = []
        for number in range(PAIRS):
            if number % 2 == 0:
                mine = ours()
                pairs.append((mine, theirs()))
            else:
                other = theirs()
                pairs.append((ours(), other))
        return pairs

    def report(self, title, pairs, against, seconds=None, **targets):
        for quantity, unit, scale in (("processor", "ms", 1000), ("wall", "ms", 1000), ("memory", "MB", 1)):
            mine = statistics.median(getattr(pair[0], quantity) for pair in pairs) * scale
            other = statistics.median(getattr(pair[1], quantity) for pair in pairs) * scale
            ratio = statistics.median(
                getattr(pair[0], quantity) / max(getattr(pair[1], quantity), 1e-6) for pair in pairs
            )
            verdict = ""
            if quantity in targets:
                verdict = self.verdict(ratio, targets[quantity])
            elif quantity == "processor" and seconds is not None:
                verdict = self.verdict(mine / scale, seconds, " s")
            print(
                f"{title:<26} {quantity:<10} {mine:>9.1f} {other:>9.1f} {unit}  {ratio:>6.2f}  {verdict:<14}"
                f"{against if quantity == 'processor' else ''}".rstrip(),
                flush=True,
            )
            title = ""

    def verdict(self, value, target, unit=""):
        is_met = value <= target
        self.missed += not is_met
        return f"<= {target:.2f}{unit}  {'ok' if is_met else 'OVER'}"

    def cold(self, title, policy, ruleset, **targets):
        def ours():
            self.forget()
            return self.apply(policy)

        def theirs():
            self.forget()
            return self.load(ruleset)

        pairs = self.pairs(ours, theirs)
        self.report(title, pairs, "nft -f, no table before", **targets)
        return pairs

    def all(self):
        small = self.policy("10k", 10_000)
        large = self.policy("100k", 100_000)
        larger = self.policy("100k-and-one", 100_000, [ONE_MORE])

        print(f"{'':<26} {'':<10} {'dockernft':>9} {'other':>9}      {'ratio':>6}  target        other is")
        version = self.pairs(
            lambda: run([self.dockernft, "--version"]), lambda: run([self.nft, "--version"])
        )
        self.report("--version", version, "nft --version", processor=2.0)
        self.cold("apply 10,000, cold", *small)
        cold = self.cold("apply 100,000, cold", *large, processor=0.6, memory=0.35)

        self.forget()
        self.apply(large[0])
        run([self.dockernft, "diff", large[0], "--runtime-directory", os.path.join(self.directory, "run"),
                    "--state-directory", os.path.join(self.directory, "state")])
        nothing = [self.apply(large[0]) for _ in range(PAIRS)]
        again = [self.load(large[1]) for _ in range(PAIRS)]
        self.report("nothing to do, 100,000", list(zip(nothing, again)), "nft -f of the same again", processor=0.2)

        self.forget()
        self.apply(large[0])
        one_more = []
        for _ in range(PAIRS):
            one_more.append(self.apply(larger[0]))
            self.apply(large[0])
        added = []
        for _ in range(PAIRS):
            added.append(self.element("add"))
            self.element("delete")
        title = "one more in 100,000"
        self.report(title, list(zip(one_more, (pair[0] for pair in cold))), "a cold apply", processor=0.2)
        self.report(title, list(zip(one_more, added)), "nft add element")

        policy, ruleset, address = self.services()
        last_port = FIRST_PORT + SERVICES - 1
        self.question("check, 10,000 services", ruleset, "check", policy)
        self.question(
            "explain, 10,000 services", ruleset,
            "explain", address, str(last_port), "--policy", policy, "--docker", "none",
        )

    def question(self, title, ruleset, command, *arguments):
        """What is asked of a whole policy, beside nft that reads the same table and says whether it is right."""
        help = subprocess.run([self.dockernft, "--help"], capture_output=True, text=True, check=True).stdout
        if f"  {command} " not in help:
            print(f"{title:<26} this program has no {command}")
            return
        pairs = self.pairs(
            lambda: run([self.dockernft, command, *arguments]), lambda: run([self.nft, "-c", "-f", ruleset])
        )
        self.report(title, pairs, "nft -c -f of the same table", seconds=QUESTION_SECONDS)

    def element(self, verb):
        return run([self.nft, verb, "element", *TABLE, GROUP_SET, "{", ONE_MORE, "}"])


def enter_namespace():
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(CLONE_NEWNET) != 0:
        sys.exit(f"bench: needs root, to make a network namespace ({os.strerror(ctypes.get_errno())})")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--dockernft", default=".build/release/dockernft", metavar="PATH")
    program = os.path.abspath(parser.parse_args().dockernft)
    if not os.access(program, os.X_OK):
        sys.exit(f"bench: {program} is missing: make release")
    enter_namespace()
    version = subprocess.run(["nft", "--version"], capture_output=True, text=True, check=True).stdout.strip()
    print(f"Linux {platform.release()}, {os.cpu_count()} processors, {version}; medians of {PAIRS} pairs")
    with tempfile.TemporaryDirectory() as directory:
        bench = Bench(program, directory)
        bench.all()
    sys.exit(1 if bench.missed else 0)


if __name__ == "__main__":
    main()

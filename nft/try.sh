#!/bin/bash
# The demo: a Docker host in miniature, real packets, and who reaches what before and after dockernft. No Docker needed.
#
#   client ── ext0 host docker0 ─────────── django, redis       IPv4 only, as Docker makes its default bridge:
#                  │                                            over IPv6 docker-proxy answers on the host
#                  └─ br-4f0c21b7a9d3 ───── postgres, site      dual stack: DNAT in both families
#
# Everything happens in network namespaces of its own; the rules of this machine are neither read nor changed.
# DOCKERNFT names the program, .build/debug/dockernft when not said.
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
program=${DOCKERNFT:-$here/../.build/debug/dockernft}
policy=$here/cases/web-and-database/policy.yaml

give_up() {
    echo "try: $*" >&2
    exit 2
}

[ "$(id -u)" = 0 ] || give_up "needs root, to make network namespaces"
for tool in ip nft iptables-nft-restore ip6tables-nft-restore socat timeout; do
    command -v "$tool" >/dev/null || give_up "$tool is missing; .ci/packages lists what this needs"
done
[ -x "$program" ] || give_up "$program is missing; build it with make, or say DOCKERNFT=PATH"

client=dockernft-try-$$-client
host=dockernft-try-$$-host
names=(django redis postgres site)
scratch=$(mktemp -d)

inside() {
    local name=$1
    shift
    ip netns exec "$name" "$@"
}

namespace_of() { echo "dockernft-try-$$-$1"; }

clean_up() {
    local name
    trap - EXIT
    for name in "$client" "$host" "${names[@]/#/dockernft-try-$$-}"; do
        [ -e "/run/netns/$name" ] || continue
        ip netns pids "$name" | xargs -r kill -KILL 2>/dev/null || true
        ip netns delete "$name" || true
    done
    rm -rf "$scratch"
}
trap clean_up EXIT
trap 'exit 130' INT
trap 'exit 143' TERM HUP

bold='' green='' red='' dim='' plain=''
if [ -t 1 ] && [ -z "${NO_COLOR:-}" ]; then
    bold=$'\e[1m' green=$'\e[32m' red=$'\e[31m' dim=$'\e[2m' plain=$'\e[0m'
fi

heading() { printf '\n%s%s%s\n' "$bold" "$*" "$plain"; }

# ---- the hosts and their wires

make_hosts() {
    local name
    for name in "$client" "$host" "${names[@]/#/dockernft-try-$$-}"; do
        ip netns add "$name"
        inside "$name" sh -c '
            echo 0 >/proc/sys/net/ipv6/conf/all/accept_dad
            echo 0 >/proc/sys/net/ipv6/conf/default/accept_dad'
        ip -n "$name" link set lo up
    done
    inside "$host" sh -c '
        echo 1 >/proc/sys/net/ipv4/ip_forward
        echo 1 >/proc/sys/net/ipv6/conf/all/forwarding'

    ip -n "$host" -batch - <<END
link add ext0 type veth peer name eth0 netns $client
addr add 192.0.2.1/24 dev ext0
addr add 2001:db8:1::1/64 dev ext0 nodad
link set ext0 up
link add docker0 type bridge
addr add 172.17.0.1/16 dev docker0
link set docker0 up
link add br-4f0c21b7a9d3 type bridge
addr add 172.18.0.1/16 dev br-4f0c21b7a9d3
addr add 2001:db8:6::1/64 dev br-4f0c21b7a9d3 nodad
link set br-4f0c21b7a9d3 up
route add default via 192.0.2.10
route add default via 2001:db8:1::10
END
    ip -n "$client" -batch - <<END
addr add 192.0.2.10/24 dev eth0
addr add 203.0.113.5/32 dev eth0
addr add 203.0.113.66/32 dev eth0
addr add 2001:db8:1::10/64 dev eth0 nodad
addr add 2001:db8:10::5/128 dev eth0 nodad
addr add 2001:db8:66::66/128 dev eth0 nodad
link set eth0 up
route add default via 192.0.2.1
route add default via 2001:db8:1::1
END
    plug django docker0 172.17.0.2 172.17.0.1
    plug redis docker0 172.17.0.3 172.17.0.1
    plug postgres br-4f0c21b7a9d3 172.18.0.2 172.18.0.1 2001:db8:6::2 2001:db8:6::1
    plug site br-4f0c21b7a9d3 172.18.0.3 172.18.0.1 2001:db8:6::3 2001:db8:6::1
}

# plug NAME BRIDGE ADDRESS GATEWAY [ADDRESS6 GATEWAY6]
plug() {
    local name
    name=$(namespace_of "$1")
    ip -n "$host" -batch - <<END
link add veth-$1 type veth peer name eth0 netns $name
link set veth-$1 master $2 up
END
    ip -n "$name" -batch - <<END
addr add $3/16 dev eth0
link set eth0 up
route add default via $4
END
    [ $# -gt 4 ] || return 0
    ip -n "$name" -batch - <<END
addr add $5/64 dev eth0 nodad
route add default via $6
END
}

# A server says its name to whoever asks.
serve() {
    local name
    name=$(namespace_of "$1")
    inside "$name" socat "$2" "SYSTEM:echo $1" 2>/dev/null &
}

start_servers() {
    serve django TCP6-LISTEN:8080,ipv6only=0,fork,reuseaddr
    serve redis TCP6-LISTEN:6379,ipv6only=0,fork,reuseaddr
    serve postgres TCP6-LISTEN:5432,ipv6only=0,fork,reuseaddr
    serve site TCP6-LISTEN:80,ipv6only=0,fork,reuseaddr
    serve site UDP4-RECVFROM:443,fork
    serve site UDP6-RECVFROM:443,ipv6only=1,fork
    # docker-proxy: where a bridge has no IPv6, Docker listens on [::] and opens a connection of its own to the container.
    inside "$host" socat TCP6-LISTEN:8081,fork,reuseaddr TCP4:172.17.0.2:8080 2>/dev/null &
    disown -a
    local deadline=$((SECONDS + 5))
    while [ "$SECONDS" -lt "$deadline" ]; do
        [ "$(listeners)" -ge 7 ] && return
        sleep 0.05
    done
    give_up "the servers did not come up"
}

listeners() {
    local name
    for name in "$host" "${names[@]/#/dockernft-try-$$-}"; do
        inside "$name" cat /proc/net/tcp6 /proc/net/udp /proc/net/udp6
    done | grep -cE ' (0A|07) 0000' || true
}

load_docker_rules() {
    inside "$host" iptables-nft-restore <"$here/docker/try/iptables-save"
    inside "$host" ip6tables-nft-restore <"$here/docker/try/ip6tables-save"
}

# ---- who reaches what

# Name, port, family, the way to the container.
doors=(
    "django   8081/tcp IPv4 DNAT"
    "django   8081/tcp IPv6 docker-proxy"
    "postgres 5432/tcp IPv4 DNAT"
    "postgres 5432/tcp IPv6 DNAT"
    "site     80/tcp   IPv4 DNAT"
    "site     80/tcp   IPv6 DNAT"
    "site     443/udp  IPv4 DNAT"
    "site     443/udp  IPv6 DNAT"
    "redis    6379/tcp IPv4 DNAT"
)

# knock NAME PORT/PROTOCOL FAMILY SOURCE: does the server answer with its name?
knock() {
    local to answer
    case $3 in
    IPv4) to="4:192.0.2.1:${2%/*},bind=$4" ;;
    IPv6) to="6:[2001:db8:1::1]:${2%/*},bind=[$4]" ;;
    esac
    case $2 in
    */tcp) answer=$(inside "$client" timeout 1.5 socat -u "TCP$to" - 2>/dev/null) || true ;;
    */udp) answer=$(ask | inside "$client" timeout 1.5 socat -t 1 - "UDP$to" 2>/dev/null | sed -n 1p) || true ;;
    esac
    if [ "$answer" = "$1" ]; then echo in; else echo out; fi
}

# A datagram may get lost while the server forks for another.
ask() {
    local try
    for try in 1 2 3 4; do
        echo "$try" || return 0
        sleep "0.2$((RANDOM % 10))"
    done
}

source_of() {
    case $1/$2 in
    friend/IPv4) echo 203.0.113.5 ;;
    friend/IPv6) echo 2001:db8:10::5 ;;
    stranger/IPv4) echo 203.0.113.66 ;;
    stranger/IPv6) echo 2001:db8:66::66 ;;
    esac
}

wrong=0

# insist INDEX WHO WANTED/WANTED: asks over UDP again, when all is quiet: a rule refuses every time, what gets lost is lost once
insist() {
    local name port family way wanted
    read -r name port family way <<<"${doors[$1]}"
    case $2 in
    friend) wanted=${3%/*} ;;
    stranger) wanted=${3#*/} ;;
    esac
    if [ "$port/$wanted/$(cat "$scratch/$1-$2")" = "${port%/*}/udp/in/out" ]; then
        knock "$name" "$port" "$family" "$(source_of "$2" "$family")" >"$scratch/$1-$2"
    fi
}

# expect WANTED…: for each door, what the friend and what the stranger should see, as in/out
expect() {
    local index name port family way who friend stranger
    for index in "${!doors[@]}"; do
        read -r name port family way <<<"${doors[index]}"
        for who in friend stranger; do
            knock "$name" "$port" "$family" "$(source_of "$who" "$family")" >"$scratch/$index-$who" &
        done
    done
    wait
    printf '%s  %-9s %-9s %-5s %-13s %-16s %-16s%s\n' "$dim" service port "" by "203.0.113.5" "203.0.113.66" "$plain"
    printf '%s  %-9s %-9s %-5s %-13s %-16s %-16s%s\n' "$dim" "" "" "" "" "2001:db8:10::5" "2001:db8:66::66" "$plain"
    for index in "${!doors[@]}"; do
        read -r name port family way <<<"${doors[index]}"
        for who in friend stranger; do insist "$index" "$who" "$1"; done
        friend=$(cat "$scratch/$index-friend")
        stranger=$(cat "$scratch/$index-stranger")
        printf '  %-9s %-9s %-5s %-13s ' "$name" "$port" "$family" "$way"
        cell "$friend" "${1%/*}"
        cell "$stranger" "${1#*/}"
        printf '\n'
        shift
    done
}

# cell GOT WANTED
cell() {
    local text=$1 paint=$plain
    if [ "$1" != "$2" ]; then
        text="$1, not $2!"
        paint=$bold$red
        wrong=$((wrong + 1))
    elif [ "$1" = in ]; then
        text='in'
        paint=$green
    else
        text='-'
    fi
    printf '%s%-16s%s ' "$paint" "$text" "$plain"
}

# run EXPECTED-STATUS COMMAND ARGUMENTS…: shows the command as a person would type it, and what it says
run() {
    local expected=$1 status=0
    shift
    printf '%s$ dockernft %s%s\n' "$dim" "${*//$here\/cases\//}" "$plain"
    "$program" "$@" --namespace "/run/netns/$host" --runtime-directory "$scratch/run" \
        --state-directory "$scratch/state" || status=$?
    if [ "$status" != "$expected" ]; then
        printf '%sexit status %s, not %s%s\n' "$bold$red" "$status" "$expected" "$plain"
        wrong=$((wrong + 1))
    fi
}

make_hosts
start_servers
load_docker_rules

everyone=(in/in in/in in/in in/in in/in in/in in/in in/in in/in)

heading "Docker alone: whoever can route to the host reaches everything that is published"
expect "${everyone[@]}"

heading "The policy"
grep -v -e '^#' -e '^version' -e '^$' "$policy" | sed 's/^/  /'
echo
run 0 apply "$policy"

heading "With dockernft"
expect in/out in/out out/out out/out in/in in/in in/in in/in out/out

heading "A change: one client for postgres, 2001:db8:10::5"
changed=$scratch/policy.yaml
sed 's/allow: nobody/allow: ["2001:db8:10::5"]/' "$policy" >"$changed"
run 1 diff "$changed"
run 0 apply "$changed"
expect in/out in/out out/out in/out in/in in/in in/in in/in out/out

heading "What was counted"
run 0 status
heading "Nothing left to do"
run 0 apply "$changed"

heading "And away with it"
run 0 remove --yes
expect "${everyone[@]}"

echo
if [ "$wrong" -gt 0 ]; then
    printf '%s%s answers are not as expected%s\n' "$bold$red" "$wrong" "$plain"
    exit 1
fi
printf '%sEvery packet met the fate that the policy gives it.%s\n' "$green" "$plain"

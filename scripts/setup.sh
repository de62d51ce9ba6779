# shellcheck shell=bash
# usage: ./lab setup [GROUP]
#
# Installs what is missing with the system's package manager (apt), and says what it does; silent when nothing is.
#
#   build       what it takes to build the programs and their tests
#   test        that, and the tools that the tests run
#   grade       that, and what ./lab grade needs
#   all         that, and the tools that ./lab test --all runs (the default)
#   classroom   what ./lab classroom needs
#   slides      what ./lab slides needs; a group of its own
#
# The other commands call it for what they need.

# Where CMake looks, too.
IFS=: read -ra prefixes <<<"${BOOST_ROOT:-}:${CMAKE_PREFIX_PATH:-}:/usr/local:/usr"
include_folders=("${prefixes[@]/%//include}")
library_folders=("${prefixes[@]/%//lib}" /usr/lib64 /usr/lib/*-linux-*)

has_command() {
    command -v "$1" >/dev/null || [[ -x /usr/sbin/$1 || -x /sbin/$1 ]]
}

# Does one of the headers stand in an include folder?
has_header() {
    local folder header
    for folder in "${include_folders[@]}"; do
        for header in "$@"; do
            [[ -f $folder/$header ]] && return
        done
    done
    return 1
}

has_compiler() {
    local compiler version
    read -ra compiler <<<"${CXX:-g++}"
    has_command "${compiler[0]}" && version=$("${compiler[@]}" -dumpversion) && ((${version%%.*} >= 12))
}

has_cmake() {
    local version
    has_command cmake && version=$(cmake --version) && [[ $version =~ ([0-9]+)\.([0-9]+) ]] &&
        ((BASH_REMATCH[1] * 100 + BASH_REMATCH[2] >= 322))
}

# Sets boost_version to that of the installed headers, as in 1.81; empty if there are none.
find_boost() {
    local folder number
    boost_version=''
    for folder in "${include_folders[@]}"; do
        [[ -f $folder/boost/version.hpp ]] || continue
        number=$(sed -n 's/^#define BOOST_VERSION //p' "$folder/boost/version.hpp")
        boost_version=$((number / 100000)).$((number / 100 % 1000))
        return
    done
}

has_boost() {
    local folder
    find_boost
    [[ -n $boost_version ]] && ((${boost_version#*.} >= 81)) || return
    for folder in "${library_folders[@]}"; do
        [[ -e $folder/libboost_program_options.so || -e $folder/libboost_program_options.a ]] && return
    done
    return 1
}

# The tests call netcat with OpenBSD's options.
has_netcat() {
    has_command nc && [[ $(nc -h 2>&1) == *OpenBSD* ]]
}

has_util_linux() {
    local version
    has_command nsenter && version=$(nsenter --version) && [[ $version =~ ([0-9]+)\.([0-9]+) ]] &&
        ((BASH_REMATCH[1] * 100 + BASH_REMATCH[2] >= 238))
}

has_python() {
    has_command python3 && python3 -c 'import sys; sys.exit(sys.version_info < (3, 10))'
}

has_node() {
    local version
    has_command node && has_command npm && version=$(node --version) && version=${version#v} && ((${version%%.*} >= 18))
}

has_fortunes() {
    [[ -d /usr/share/games/fortunes || -d /usr/share/fortune || -d /usr/share/fortunes ]]
}

# need PACKAGES WORDS TEST...: notes what is missing, unless the test holds.
need() {
    local names=$1 words=$2
    shift 2
    "$@" && return
    missing+=("$words")
    read -ra names <<<"$names"
    packages+=("${names[@]}")
}

need_classroom_tools() {
    need util-linux "util-linux 2.38 or newer (unshare, nsenter)" has_util_linux
    need iproute2 "iproute2 (ip)" has_command ip
    need nftables "nftables (nft)" has_command nft
    need tcpdump "tcpdump" has_command tcpdump
}

find_missing() {
    missing=() packages=()
    if [[ $1 == classroom ]]; then
        need_classroom_tools
        return
    fi
    if [[ $1 == slides ]]; then
        need "nodejs npm" "Node.js 18 or newer with npm" has_node
        return
    fi
    need g++ "g++ 12 or newer" has_compiler
    need cmake "CMake 3.22 or newer" has_cmake
    need ninja-build "Ninja" has_command ninja
    need BOOST "Boost 1.81 or newer with its program_options library" has_boost
    need catch2 "Catch2" has_header catch2/catch.hpp catch2/catch_all.hpp
    need libexpat1-dev "the headers of Expat" has_header expat.h
    # CMake asks for it where the grader is; the students' kit does without.
    [[ ! -d $ROOT/tests/grader/autograder ]] || need python3 "Python 3.10 or newer" has_python
    [[ $1 == build ]] && return
    need netcat-openbsd "OpenBSD's netcat (nc)" has_netcat
    need socat "socat" has_command socat
    need curl "curl" has_command curl
    need_classroom_tools
    need fortunes-min "a fortune database (fortunes-min)" has_fortunes
    [[ $1 == test ]] && return
    need bubblewrap "bubblewrap (bwrap)" has_command bwrap
    need parallel "GNU parallel" has_command parallel
    [[ $1 == grade ]] && return
    need patch "patch" has_command patch
    need clang-format "clang-format" has_command clang-format
    need shellcheck "shellcheck" has_command shellcheck
}

# Prints the words given with commas between them.
join() {
    local list
    printf -v list '%s, ' "$@"
    echo "${list%, }"
}

# Is the version of the package that apt would install VERSION or newer?
apt_offers() {
    local candidate
    candidate=$(LC_ALL=C apt-cache policy "$1" 2>/dev/null | sed -n 's/^ *Candidate: //p')
    [[ -n $candidate && $candidate != '(none)' ]] && dpkg --compare-versions "$candidate" ge "$2"
}

# Replaces BOOST by the packages that this system has for it: Debian 12 has an old and a new one side by side.
choose_boost() {
    local version=''
    if ! apt_offers libboost-dev 1.81; then
        version=$(apt-cache pkgnames libboost1. | sed -n 's/^libboost\(1\.[0-9]*\)-dev$/\1/p' | sort -V | tail -n 1)
        apt_offers "libboost$version-dev" 1.81 ||
            die "apt has no Boost 1.81 or newer (Debian 12 and Ubuntu 24.04 do); BOOST_ROOT can name another place"
    fi
    packages=("${packages[@]/#BOOST/libboost$version-dev}" "libboost-program-options$version-dev")
}

# Runs a command as root, showing what it prints only when it fails.
as_root() {
    local output
    echo "setup: $*"
    output=$("${sudo[@]}" env DEBIAN_FRONTEND=noninteractive "$@" </dev/null 2>&1) && return
    tail -n 20 <<<"$output" >&2
    return 1
}

install_missing() {
    local install removed sudo=()
    echo "setup: missing: $(join "${missing[@]}")"
    has_command apt-get || die "no apt here: install the above with this system's package manager, then try again"
    if ((EUID != 0)); then
        has_command sudo || die "only root can install: as root, type $ROOT/lab setup $group"
        sudo=(sudo)
    fi
    as_root apt-get -q update -o APT::Update::Error-Mode=any ||
        echo "setup: the list of packages could not be brought up to date, trying with the old one"
    [[ " ${packages[*]} " != *' BOOST '* ]] || choose_boost
    install=(apt-get install -q -y --no-install-recommends --no-remove -o DPkg::Lock::Timeout=120 "${packages[@]}")
    # What a person has installed stays: where apt would throw something out, that person decides.
    removed=$({ LC_ALL=C "${install[@]/--no-remove/--simulate}" 2>/dev/null || true; } |
        sed -n 's/^Remv \([^ ]*\).*/\1/p')
    [[ -z $removed ]] ||
        die "apt would have to remove ${removed//$'\n'/, }: if you can do without, type" \
            "${sudo:+sudo }apt-get install ${packages[*]}"
    as_root "${install[@]}" || die "apt-get failed, its last words are above"
}

(($# < 2)) || reject "$2"
group=${1:-all}
case $group in
    build | test | grade | all | classroom | slides) ;;
    -*) reject "$group" ;;
    *) usage_error "there is no group '$group'" ;;
esac
find_missing "$group"
if ((${#missing[@]})); then
    install_missing
    hash -r
    find_missing "$group"
    ((${#missing[@]} == 0)) || die "still missing, this system's packages are too old: $(join "${missing[@]}")"
    echo "setup: done"
fi

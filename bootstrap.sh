#!/bin/sh
# Set up everything the project needs: the environment .venv and, where it may, LaTeX.
#
#   ./bootstrap.sh          Python environment and LaTeX
#   ./bootstrap.sh --test   PyTorch, pdftotext and Slurm as well, for the tests
#
# A second start does nothing. With conda, mamba or micromamba the environment comes from
# environment.yml, otherwise from requirements.lock; the project itself is installed into it as it
# stands here.
set -eu
cd "$(dirname "$0")"

say() { printf '%s\n' "bootstrap: $*" >&2; }
have() { command -v "$1" > /dev/null 2>&1; }

# Root, or sudo that asks for no password; otherwise nothing is installed on the system.
as_root() {
    if [ "$(id -u)" = 0 ]; then "$@"; else sudo -n "$@"; fi
}
may_install() {
    have apt-get && { [ "$(id -u)" = 0 ] || { have sudo && sudo -n true 2> /dev/null; }; }
}
apt_install() {
    say "installing $*"
    as_root apt-get update -qq
    as_root env DEBIAN_FRONTEND=noninteractive \
        apt-get install -y -qq --no-install-recommends "$@" > /dev/null
}

# The first Python of at least 3.11.
find_python() {
    for name in python3 python3.14 python3.13 python3.12 python3.11 python; do
        if have "$name" && "$name" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2> /dev/null
        then
            command -v "$name"
            return
        fi
    done
    say "Python 3.11 or later is needed and was not found"
    exit 1
}

# What the environment was made from, and where: another lock or folder, another environment.
fingerprint() {
    pwd -P
    cat requirements.lock environment.yml bootstrap.sh | cksum
    [ -z "$conda" ] || echo "$conda"
}

with_conda() {
    say "creating .venv from environment.yml with $conda"
    case $conda in
        micromamba) "$conda" create -y -q -p ./.venv -f environment.yml ;;
        *) "$conda" env create -y -q -p ./.venv -f environment.yml ;;
    esac
}

# pip for .venv: the one that Python brings or, on a Debian without ensurepip, Debian's own wheel,
# which needs no root when it is unpacked here.
empty_environment() {
    if "$python" -c 'import ensurepip' 2> /dev/null; then
        "$python" -m venv .venv
    elif may_install; then
        apt_install python3-venv
        "$python" -m venv .venv
    elif "$python" -m venv --without-pip .venv && have apt-get; then
        (cd .venv && apt-get download -qq python3-pip-whl && dpkg -x python3-pip-whl_*.deb pip-wheel) \
            || { say "needed: sudo apt-get install python3-venv"; exit 1; }
        wheel=$(echo .venv/pip-wheel/usr/share/python-wheels/pip-*.whl)
        .venv/bin/python "$wheel/pip" install -q --no-index "$wheel"
    else
        say "needed: Python's venv and ensurepip modules"
        exit 1
    fi
}

with_pip() {
    say "creating .venv from requirements.lock"
    empty_environment
    # uv installs the lock in half the time; without compiled bytecode every job starts 1 s later.
    .venv/bin/python -m pip install -q --disable-pip-version-check uv
    .venv/bin/uv pip install -q --python .venv/bin/python --require-hashes --compile-bytecode \
        --no-deps -r requirements.lock
}

# The project itself, as it stands here: the command `gradient-horizon`, and scripts started by hand.
install_project() {
    .venv/bin/python -m pip install -q --disable-pip-version-check --root-user-action ignore \
        --no-index --no-deps --no-build-isolation -e .
}

set_up_python() {
    conda=$(for name in micromamba mamba conda; do have $name && echo $name && break; done || true)
    stamp=.venv/.made-from
    if [ -f "$stamp" ] && [ "$(fingerprint)" = "$(cat "$stamp")" ]; then return; fi
    rm -rf .venv
    if [ -z "$conda" ] || ! with_conda; then
        [ -z "$conda" ] || say "$conda could not create it; going on with pip"
        rm -rf .venv
        python=$(find_python)
        with_pip
    fi
    install_project
    fingerprint > "$stamp" # last: an interrupted set-up is begun again
}

# The build for the processor alone where there is one: pip prefers it to others of its version.
set_up_torch() {
    stamp=.venv/.torch-from
    if [ -f "$stamp" ] && [ "$(cksum < requirements-torch.txt)" = "$(cat "$stamp")" ]; then return; fi
    say "installing PyTorch"
    if .venv/bin/python -m pip install -q --disable-pip-version-check --root-user-action ignore \
        -r requirements-torch.txt
    then
        cksum < requirements-torch.txt > "$stamp"
    else
        say "no PyTorch: its tests are skipped"
    fi
}

set_up_tex() {
    if have tectonic || [ -x .venv/bin/tectonic ] || { have latexmk && have pdflatex; }; then return; fi
    if may_install; then
        apt_install latexmk lmodern texlive-latex-base texlive-latex-recommended
    else
        say "no LaTeX and no right to install it: everything but the PDF will be made"
    fi
}

set_up_pdftotext() {
    if have pdftotext || [ -x .venv/bin/pdftotext ]; then return; fi
    if may_install; then apt_install poppler-utils; else say "no pdftotext: its tests are skipped"; fi
}

# The tests run a Slurm of their own, which takes root; without it they are skipped.
set_up_slurm() {
    if [ "$(id -u)" != 0 ] || { have slurmctld && have munged; }; then return; fi
    may_install && apt_install slurm-wlm munge || say "no Slurm: its tests are skipped"
}

# Two starts at once: the second waits for the first (flock is part of Debian's essential system).
if [ -z "${BOOTSTRAP_LOCKED:-}" ] && have flock; then
    BOOTSTRAP_LOCKED=1 exec flock .bootstrap.lock sh bootstrap.sh "$@"
fi
set_up_python
set_up_tex
if [ "${1:-}" = --test ]; then
    set_up_torch
    set_up_pdftotext
    set_up_slurm
fi

#!/bin/sh
# Make the virtual environment if there is none, and install the project with extras.
#
#   python.sh EXTRA,...
set -eu
cd "$(dirname "$0")/../.."

# Debian's Python comes without ensurepip, which fills a virtual environment.
find_python() {
    good="import sys, ensurepip, venv; assert sys.version_info >= (3, 11)"
    for python in ${PYTHON:-python3.14 python3.13 python3.12 python3.11 python3}; do
        if "$python" -c "$good" 2>/dev/null; then
            echo "$python"
            return
        fi
    done
    return 1
}

# Its programs name its folder, so one that was moved here is no use.
has_environment() {
    grep -qsF "$PWD/" .venv/bin/activate && .venv/bin/python -c "import pip" 2>/dev/null
}

can_compile() {
    include=$(.venv/bin/python -c "import sysconfig as s; print(s.get_path('include'))")
    command -v gcc >/dev/null && [ -f "$include/Python.h" ]
}

if ! has_environment; then
    python=$(find_python) || {
        ops/setup/packages.sh "Python 3.11 or newer with venv" python3 python3-venv
        python=$(find_python) || {
            echo "This machine has no Python 3.11 or newer to install." >&2
            exit 1
        }
    }
    echo "Making the virtual environment with $("$python" --version)"
    "$python" -m venv --clear .venv
fi
# The service does without its extension in C; tests and benchmarks want it.
case ",$1," in *,test,*)
    can_compile || ops/setup/packages.sh "A C compiler with the headers of Python" \
        gcc libc6-dev python3-dev || echo "Going on without it."
    ;;
esac
echo "Installing the project and its dependencies ($1)"
.venv/bin/python -m pip install --quiet --disable-pip-version-check \
    --no-input --editable ".[$1]"

#!/bin/sh
# Make a virtual environment from a hashed requirements file.
#
# usage: scripts/environment.sh PYTHON ENVIRONMENT REQUIREMENTS [PROJECT]
#
# Installs with uv, which pip brings into .run/uv at the version that scripts/uv.txt pins. Where uv does not work
# (no wheel for this machine, say), pip installs the same files. --no-deps: the requirements list everything, and
# the pip of Python 3.11 takes no hashed pin for a requirement with extras. PROJECT is installed as it lies here.
set -eu
python=$1 environment=$2 requirements=$3 project=${4:-}
uv=.run/uv/bin/uv
export UV_PYTHON_DOWNLOADS=never UV_NO_PROGRESS=1 UV_LINK_MODE="${UV_LINK_MODE:-copy}"

bootstrap_uv() {
    [ -x "$uv" ] && [ .run/uv/ready -nt scripts/uv.txt ] && return
    rm -rf .run/uv
    "$python" -m venv .run/uv &&
        .run/uv/bin/python -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r scripts/uv.txt &&
        touch .run/uv/ready
}

with_uv() {
    bootstrap_uv && "$uv" venv --quiet --no-project --python "$python" "$environment" &&
        "$uv" pip install --quiet --python "$environment/bin/python" --no-deps --require-hashes -r "$requirements" &&
        if [ -n "$project" ]; then
            "$uv" pip install --quiet --python "$environment/bin/python" --no-deps --no-build-isolation --editable "$project"
        fi
}

with_pip() {
    rm -rf "$environment"
    "$python" -m venv "$environment"
    pip="$environment/bin/python -m pip install --quiet --disable-pip-version-check --no-deps"
    $pip --require-hashes -r "$requirements"
    if [ -n "$project" ]; then $pip --no-build-isolation --editable "$project"; fi
}

echo "installing $environment"
rm -rf "$environment"
if ! with_uv; then
    echo "uv did not install $environment; trying again with pip" >&2
    with_pip
fi

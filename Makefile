# `make run` and `make test` do all their own set-up: a fresh Debian or macOS machine with make and Python 3.11+ is enough.
# Everything they make lies under .run/ (and build/, for `make bundle`). Works with the make that macOS ships (3.81).

API_PORT ?= 5050
S3_PORT ?= 4566
LIVE_PORT ?= 4567

# The first Python on the PATH that is new enough.
PYTHON ?= $(shell for python in python3 python3.14 python3.13 python3.12 python3.11; do \
	$$python -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$python && break; done)

ENVS := .run/envs
PROCESSOR := processor/requirements.txt $(wildcard processor/*.py processor/*.json processor/*.txt)

.PHONY: help run demo deploy undeploy test test-long faults soak bench audit test-setup lint bundle tracker ops lock clean python

help:
	@echo 'make run      the whole cloud on this machine: site, API, delivery stream, processor, S3 (Ctrl-C stops it)'
	@echo 'make demo     a believable day of clicks through all of it, and the report of that day'
	@echo 'make test     every check and test'
	@echo 'make test-long  the tests that take minutes: kills, long outages, full fuzzing'
	@echo 'make bench    measures what docs/performance.md says, and writes that page anew'
	@echo 'make faults   breaks the cloud in every way of docs/faults.md, and writes that page anew'
	@echo 'make soak     a million clicks with faults at random, then the question: is anything missing?'
	@echo 'make audit    asks a public service for known faults of the pinned packages (needs the internet)'
	@echo 'make ops      the environment of the commands: .run/envs/ops/bin/python -m ops'
	@echo 'make deploy STAGE=dev    everything of a stage, into the account of your AWS credentials; asks first (YES=1: not)'
	@echo 'make undeploy STAGE=dev  and away again, but for what it collected'
	@echo 'make bundle   build/processor, for AWS Lambda'
	@echo 'make tracker  web/tracker.min.js from web/tracker.js (needs Node.js)'
	@echo 'make lock     write the requirements.txt files anew from their requirements.in'
	@echo 'make clean    remove all that the others made'

run: $(ENVS)/aws.ready $(ENVS)/emulator.ready $(ENVS)/ingest.ready .run/stage.ready
	@$(ENVS)/aws/bin/python -m local --api-port $(API_PORT) --s3-port $(S3_PORT) --live-port $(LIVE_PORT)

demo: $(ENVS)/aws.ready $(ENVS)/emulator.ready $(ENVS)/ingest.ready $(ENVS)/ops.ready .run/stage.ready
	@$(ENVS)/ops/bin/python -m ops demo

# SET='Name=Value …' are settings that docs/deploy.md lists. Where the endpoint is this machine's, an emulator's, the
# processor is that of .run/stage.
deploy: $(ENVS)/aws.ready $(ENVS)/ingest.ready .run/stage.ready
	@$(ENVS)/aws/bin/python -m deploy up --stage '$(STAGE)' $(if $(YES),--yes) $(foreach word,$(SET),'$(word)')

undeploy: $(ENVS)/aws.ready $(ENVS)/ingest.ready
	@$(ENVS)/aws/bin/python -m deploy down --stage '$(STAGE)' $(if $(YES),--yes)

test: test-setup lint
	$(ENVS)/test/bin/python -m pytest

test-long: test-setup $(ENVS)/scan.ready
	$(ENVS)/test/bin/python -m pytest -m long

bench: test-setup $(ENVS)/bench-zappa.ready $(ENVS)/bench-chalice.ready $(ENVS)/bench-lambda.ready $(ENVS)/bench-serve.ready
	$(ENVS)/test/bin/python -m benchmarks

faults: test-setup
	CLICKLAKE_WRITE_FAULTS=1 $(ENVS)/test/bin/python -m pytest -m "long or not long" tests/faults

audit: $(ENVS)/scan.ready
	@for bundle in ingest_app processor ops local cloudformation; do \
		$(ENVS)/scan/bin/pip-audit --strict --disable-pip --requirement $$bundle/requirements.txt || exit 1; done

soak: test-setup
	$(ENVS)/test/bin/python -m benchmarks.soak

test-setup: $(ENVS)/aws.ready $(ENVS)/emulator.ready $(ENVS)/ingest.ready $(ENVS)/ops.ready \
		$(ENVS)/sam.ready $(ENVS)/test.ready .run/stage.ready
	@tests/install-tools.sh

lint: $(ENVS)/test.ready
	$(ENVS)/test/bin/ruff check .
	$(ENVS)/test/bin/ruff format --check .
	$(ENVS)/test/bin/mypy

# An environment is made anew when its requirements change. Each has its own, so that no pin of a tool reaches a bundle.
# --no-deps: the files list everything, and the pip of Python 3.11 takes no hashed pin for a requirement with extras.
$(ENVS)/aws.ready: cloudformation/requirements.txt
$(ENVS)/emulator.ready: local/requirements.txt
$(ENVS)/ingest.ready: ingest_app/requirements.txt
$(ENVS)/ops.ready: ops/requirements.txt
$(ENVS)/sam.ready: tests/sam.txt
$(ENVS)/scan.ready: tests/scan.txt
$(ENVS)/test.ready: tests/requirements.txt
$(ENVS)/bench-zappa.ready: benchmarks/requirements-zappa.txt
$(ENVS)/bench-chalice.ready: benchmarks/requirements-chalice.txt
$(ENVS)/bench-lambda.ready: benchmarks/requirements-lambda.txt
$(ENVS)/bench-serve.ready: benchmarks/requirements-serve.txt
$(ENVS)/%.ready: | python
	@echo "installing $(ENVS)/$*"
	@rm -rf $(ENVS)/$* && $(PYTHON) -m venv $(ENVS)/$*
	@$(ENVS)/$*/bin/python -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r $<
	@touch $@

python:
	@test -n "$(PYTHON)" || { echo 'Clicklake needs Python 3.11 or newer: no python3 on the PATH is.' >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || \
		{ echo "Clicklake needs Python's venv module, which $(PYTHON) lacks. On Debian: apt-get install python3-venv" >&2; exit 1; }

# The processor's bundle as this machine runs it, beside a copy of the template: what is deployed to the emulator.
.run/stage.ready: cloudformation/template.yaml $(PROCESSOR) deploy/bundle.py deploy/wheels.py | $(ENVS)/aws.ready
	@echo 'bundling the processor for this machine'
	@rm -rf .run/stage && mkdir -p .run/stage/cloudformation .run/stage/build
	@cp cloudformation/template.yaml .run/stage/cloudformation/
	@$(ENVS)/aws/bin/python -m deploy.bundle .run/stage/build/processor --here
	@touch $@

# The same for AWS Lambda, whatever machine this is.
bundle: $(ENVS)/aws.ready
	@$(ENVS)/aws/bin/python -m deploy.bundle build/processor

ops: $(ENVS)/ops.ready

tracker:
	tracker/build.sh

# uv resolves for every platform and Python at once and writes hashes without an index's address.
LOCK = $(ENVS)/test/bin/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
	--no-emit-index-url --no-emit-find-links --no-header $(UPGRADE)
lock: $(ENVS)/test.ready
	$(LOCK) ingest_app/requirements.in -o ingest_app/requirements.txt
	$(LOCK) processor/requirements.in -o processor/requirements.txt
	$(LOCK) local/requirements.in -o local/requirements.txt
	$(LOCK) cloudformation/requirements.in -o cloudformation/requirements.txt
	$(LOCK) ops/requirements.in -c processor/requirements.txt -o ops/requirements.txt
	$(LOCK) tests/requirements.in -c ingest_app/requirements.txt -c processor/requirements.txt \
		-c ops/requirements.txt -o tests/requirements.txt
	$(LOCK) tests/sam.in -o tests/sam.txt
	$(LOCK) tests/scan.in -o tests/scan.txt
	@# the peers have the libraries that we have, in the same versions; Chalice asks for others than Zappa
	for peer in zappa apig-wsgi fastapi powertools bare lambda serve; do $(LOCK) benchmarks/requirements-$$peer.in \
		-c ingest_app/requirements.txt -o benchmarks/requirements-$$peer.txt || exit 1; done
	$(LOCK) benchmarks/requirements-chalice.in -c benchmarks/requirements-bare.txt -o benchmarks/requirements-chalice.txt

clean:
	rm -rf .run build .pytest_cache .hypothesis .mypy_cache .ruff_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# `make run` and `make test` do all their own set-up: a fresh Debian or macOS machine with make and Python 3.11+ is enough.
# Everything they make lies under .run/ (and build/, for `make bundle`). Works with the make that macOS ships (3.81).

API_PORT ?= 5050
S3_PORT ?= 4566
LIVE_PORT ?= 4567
DASHBOARD_PORT ?= 4568
PORTS = --api-port $(API_PORT) --s3-port $(S3_PORT) --live-port $(LIVE_PORT) --dashboard-port $(DASHBOARD_PORT)

# The first Python on the PATH that is new enough.
PYTHON ?= $(shell for python in python3 python3.14 python3.13 python3.12 python3.11; do \
	$$python -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$python && break; done)

ENVS := .run/envs
CLICKLAKE := $(ENVS)/cli/bin/python -m clicklake
PYTEST := $(ENVS)/test/bin/python -m pytest
PARALLEL := -n auto --dist loadfile
PROCESSOR := processor/requirements.txt $(shell find processor -name "*.py")
KEEPER := clicklake/requirements.txt cloudformation/alarms.yaml $(shell find clicklake/cli clicklake/compact clicklake/cost \
	clicklake/keeper clicklake/lake clicklake/privacy clicklake/query clicklake/reconcile clicklake/replay clicklake/tables \
	-name "*.py" -o -name "*.sql")
PACKAGING := $(wildcard clicklake/deploy/packaging/*.py)

.PHONY: help run demo deploy undeploy cli check test test-long test-spark coverage format faults attacks soak bench audit \
	test-setup lint bundle tracker lock clean python ports

help:
	@echo 'make run        run the whole cloud on this machine: site, API, delivery stream, processor, S3 (Ctrl-C stops it)'
	@echo 'make demo       send a made-up day of clicks through all of it, and open the report of that day'
	@echo 'make cli        install the clicklake command: .run/bin/clicklake'
	@echo 'make deploy STAGE=dev    deploy a complete stage to your AWS account; asks for confirmation (YES=1 skips it)'
	@echo 'make undeploy STAGE=dev  remove the stage but keep the data it collected'
	@echo ''
	@echo 'make check      format, lint, types and unit tests: the quick loop'
	@echo 'make test       every check and test but the long ones'
	@echo 'make test-long  the tests that take minutes: kills, long outages, full fuzzing'
	@echo 'make test-spark the saved queries in Spark SQL, and pandas and Polars (installs them, and Java)'
	@echo 'make coverage   branch coverage of the unit tests'
	@echo 'make format     format the Python code'
	@echo 'make bench      measure what docs/performance.md says, and rewrite that page'
	@echo 'make faults     inject every fault of docs/faults.md, and rewrite that page'
	@echo 'make attacks    attack the whole cloud while a visitor clicks, and rewrite docs/attacks.md'
	@echo 'make soak       send a million clicks with random faults, then check that nothing is missing'
	@echo 'make audit      look up known vulnerabilities of the pinned packages (needs the internet)'
	@echo 'make bundle     build/processor and build/keeper, for AWS Lambda'
	@echo 'make tracker    build web/tracker.min.js from web/tracker.js (needs Node.js)'
	@echo 'make lock       rewrite the requirements.txt files from their requirements.in'
	@echo 'make clean      remove everything that the other targets made'

# Aliases of the command, which do the set-up first.

run: ports $(ENVS)/cli.ready $(ENVS)/emulator.ready $(ENVS)/ingest.ready .run/stage.ready
	@$(CLICKLAKE) run $(PORTS)

demo: $(ENVS)/cli.ready $(ENVS)/emulator.ready $(ENVS)/ingest.ready .run/stage.ready
	@$(CLICKLAKE) demo

# SET='Name=Value …' are the settings in docs/deploy.md. The bundle in .run/stage is for emulators on this machine.
deploy: $(ENVS)/cli.ready $(ENVS)/ingest.ready .run/stage.ready
	@$(CLICKLAKE) deploy --stage '$(STAGE)' $(if $(LIKE),--like '$(LIKE)') $(if $(DASHBOARD),--dashboard) $(if $(PLAN),--plan) $(if $(YES),--yes) $(foreach word,$(SET),'$(word)')

undeploy: $(ENVS)/cli.ready $(ENVS)/ingest.ready
	@$(CLICKLAKE) undeploy --stage '$(STAGE)' $(if $(LIKE),--like '$(LIKE)') $(if $(YES),--yes)

cli: $(ENVS)/cli.ready

# Checks and tests.

UNIT := not emulator and not browser and not e2e and not long and not spark

check: lint
	$(PYTEST) -q $(PARALLEL) -m "$(UNIT)"

lint: $(ENVS)/test.ready
	$(ENVS)/test/bin/ruff check .
	$(ENVS)/test/bin/ruff format --check .
	$(ENVS)/test/bin/mypy

format: $(ENVS)/test.ready
	$(ENVS)/test/bin/ruff check --fix .
	$(ENVS)/test/bin/ruff format .

test: test-setup lint
	$(PYTEST) $(PARALLEL)

test-long: test-setup $(ENVS)/client.ready $(ENVS)/sam.ready $(ENVS)/scan.ready
	@scripts/install-test-tools.sh --engines
	CLICKLAKE_ALL_ENGINES=1 $(PYTEST) tests/tracker/test_engines.py
	$(PYTEST) -m long

test-spark: $(ENVS)/spark.ready $(ENVS)/emulator.ready $(ENVS)/cli.ready $(ENVS)/test.ready
	@scripts/install-test-tools.sh --java
	$(PYTEST) -m spark

coverage: $(ENVS)/test.ready
	$(ENVS)/test/bin/coverage run -m pytest -q -m "$(UNIT)"
	$(ENVS)/test/bin/coverage report

bench: test-setup $(ENVS)/bench-zappa.ready $(ENVS)/bench-chalice.ready $(ENVS)/bench-lambda.ready $(ENVS)/bench-serve.ready
	$(ENVS)/test/bin/python -m benchmarks

faults: test-setup
	CLICKLAKE_WRITE_FAULTS=1 $(PYTEST) -m "long or not long" tests/faults

attacks: test-setup
	CLICKLAKE_WRITE_ATTACKS=1 $(PYTEST) -m "long or not long" tests/attacks

audit: $(ENVS)/scan.ready
	@for list in ingest_app processor clicklake clicklake/local/emulator; do \
		$(ENVS)/scan/bin/pip-audit --strict --disable-pip --requirement $$list/requirements.txt || exit 1; done

soak: test-setup
	$(ENVS)/test/bin/python -m benchmarks.soak

test-setup: $(ENVS)/cli.ready $(ENVS)/emulator.ready $(ENVS)/ingest.ready $(ENVS)/test.ready .run/stage.ready
	@scripts/install-test-tools.sh

# Environments. One is remade when its requirements change. Each has its own, so that no pin of a tool reaches a bundle.

$(ENVS)/emulator.ready: clicklake/local/emulator/requirements.txt
$(ENVS)/ingest.ready: ingest_app/requirements.txt
$(ENVS)/client.ready: tests/client.txt
$(ENVS)/sam.ready: tests/sam.txt
$(ENVS)/scan.ready: tests/scan.txt
$(ENVS)/spark.ready: tests/spark.txt
$(ENVS)/test.ready: tests/requirements.txt
$(ENVS)/bench-zappa.ready: benchmarks/requirements-zappa.txt
$(ENVS)/bench-chalice.ready: benchmarks/requirements-chalice.txt
$(ENVS)/bench-lambda.ready: benchmarks/requirements-lambda.txt
$(ENVS)/bench-serve.ready: benchmarks/requirements-serve.txt
$(ENVS)/%.ready: scripts/environment.sh | python
	@scripts/environment.sh $(PYTHON) $(ENVS)/$* $(filter %.txt,$^)
	@touch $@

# The command's environment holds the checkout itself, and the AWS CLI. .run/bin/ links to both.
$(ENVS)/cli.ready: clicklake/requirements.txt pyproject.toml ingest_app/__init__.py scripts/environment.sh | python
	@scripts/environment.sh $(PYTHON) $(ENVS)/cli clicklake/requirements.txt .
	@mkdir -p .run/bin && ln -sf ../envs/cli/bin/clicklake ../envs/cli/bin/aws .run/bin/
	@touch $@

python:
	@test -n "$(PYTHON)" || { echo 'Clicklake needs Python 3.11 or newer, and no python3 on the PATH is.' >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || \
		{ echo "Clicklake needs Python's venv module, which $(PYTHON) lacks. On Debian: apt-get install python3-venv" >&2; exit 1; }

# Before anything is installed: a taken port should not show up minutes later.
ports: python
	@$(PYTHON) -m clicklake.local.ports $(PORTS)

# What is deployed to the emulator: the bundles of both functions, built for this machine, and a copy of the template.
.run/stage.ready: cloudformation/lake.yaml $(PROCESSOR) $(KEEPER) $(PACKAGING) | $(ENVS)/cli.ready
	@echo 'bundling the processor and the keeper for this machine'
	@rm -rf .run/stage && mkdir -p .run/stage/cloudformation .run/stage/build
	@cp cloudformation/lake.yaml .run/stage/cloudformation/
	@$(ENVS)/cli/bin/python -m clicklake.deploy.packaging.processor_bundle .run/stage/build/processor --here
	@$(ENVS)/cli/bin/python -m clicklake.deploy.packaging.keeper_bundle .run/stage/build/keeper --here
	@touch $@

# The same for AWS Lambda, whatever machine this is.
bundle: $(ENVS)/cli.ready
	@$(ENVS)/cli/bin/python -m clicklake.deploy.packaging.processor_bundle build/processor
	@$(ENVS)/cli/bin/python -m clicklake.deploy.packaging.keeper_bundle build/keeper

tracker:
	tracker/build.sh

# uv resolves for every platform and Python at once and writes hashes without an index's address.
LOCK = .run/uv/bin/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
	--no-emit-index-url --no-emit-find-links --no-header $(UPGRADE)
lock: $(ENVS)/test.ready
	$(LOCK) scripts/uv.in -o scripts/uv.txt
	$(LOCK) ingest_app/requirements.in -o ingest_app/requirements.txt
	$(LOCK) processor/requirements.in -o processor/requirements.txt
	$(LOCK) clicklake/local/emulator/requirements.in -o clicklake/local/emulator/requirements.txt
	$(LOCK) clicklake/requirements.in -c processor/requirements.txt -c ingest_app/requirements.txt -o clicklake/requirements.txt
	$(LOCK) tests/requirements.in -c ingest_app/requirements.txt -c processor/requirements.txt \
		-c clicklake/requirements.txt -o tests/requirements.txt
	$(LOCK) tests/client.in -o tests/client.txt
	$(LOCK) tests/sam.in -o tests/sam.txt
	$(LOCK) tests/spark.in -o tests/spark.txt
	$(LOCK) tests/scan.in -o tests/scan.txt
	@# the peers have the libraries that we have, in the same versions; Chalice asks for others than Zappa
	for peer in zappa apig-wsgi fastapi powertools bare lambda serve; do $(LOCK) benchmarks/requirements-$$peer.in \
		-c ingest_app/requirements.txt -o benchmarks/requirements-$$peer.txt || exit 1; done
	$(LOCK) benchmarks/requirements-chalice.in -c benchmarks/requirements-bare.txt -o benchmarks/requirements-chalice.txt

clean:
	rm -rf .run build *.egg-info .pytest_cache .hypothesis .mypy_cache .ruff_cache .coverage
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

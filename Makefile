# One set of commands for a laptop and for CI. `make help` lists them.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready

.DEFAULT_GOAL := help

.PHONY: help
help: ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

# The environment is made once, and again when pyproject.toml has changed.
$(READY): pyproject.toml
	$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Sluice needs Python 3.11 or newer: make PYTHON=python3.11 …")'
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[local,dev]'
	touch $@

.PHONY: demo
demo: $(READY) ## Run the main job on this machine: events, findings, and the weekly batch (about two minutes)
	$(BIN)/sluice demo

.PHONY: test
test: $(READY) ## Run all tests, two processes at once (Apache Kafka's too, where `make kafka` has fetched it)
	$(BIN)/python -m pytest -n 2 --dist loadgroup

.PHONY: check
check: $(READY) ## Lint, check types, and check that the code is formatted
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

.PHONY: format
format: $(READY) ## Format the code and mend what ruff can mend
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

.PHONY: kafka
kafka: $(READY) ## Fetch Apache Kafka with Maven, so that the tests run against it as well (needs Java 17 and Maven)
	$(BIN)/python -m deploy.local.kafka fetch

.PHONY: label-studio
label-studio: ## Install Label Studio apart, so that the tests send it a batch and take the decisions back
	test -x .label-studio/bin/python || $(PYTHON) -m venv .label-studio
	.label-studio/bin/python -m pip install --quiet --disable-pip-version-check 'label-studio>=1.23,<1.24'

.PHONY: argilla
argilla: ## Install Argilla's SDK and datasets apart, so that the tests load with them what is exported for them
	test -x .argilla/bin/python || $(PYTHON) -m venv .argilla
	.argilla/bin/python -m pip install --quiet --disable-pip-version-check 'argilla>=2.8,<3' 'datasets>=5.2,<6' requests

.PHONY: trl
trl: ## Install TRL apart (6 GB with its PyTorch), so that the tests train a step on what a release holds
	test -x .trl/bin/python || $(PYTHON) -m venv .trl
	.trl/bin/python -m pip install --quiet --disable-pip-version-check 'trl>=1.16,<1.17'

# Each apart, with all that Sluice's own modules ask for. Quix Streams wants an older pydantic than Sluice and gets it,
# about which pip complains; the work runs on both.
.PHONY: peers
peers: ## Install Quix Streams, Bytewax and Sentry's Arroyo apart, for `make bench` to run them beside Sluice
	for peer in quix bytewax arroyo; do test -x .peers/$$peer/bin/python || $(PYTHON) -m venv .peers/$$peer; done
	.peers/arroyo/bin/python -m pip install --quiet --disable-pip-version-check --editable . 'sentry-arroyo>=2.48,<3'
	.peers/bytewax/bin/python -m pip install --quiet --disable-pip-version-check --editable . 'bytewax[kafka]>=0.21,<0.22'
	.peers/quix/bin/python -m pip install --quiet --disable-pip-version-check --editable .
	.peers/quix/bin/python -m pip install --quiet --disable-pip-version-check 'quixstreams>=3.28,<4'

.PHONY: bench
bench: $(READY) ## Measure what an event costs, and how late its row is, beside the floor and others (eight minutes)
	$(BIN)/python -m bench.cost

.PHONY: guard
guard: $(READY) ## Fail when an event costs more, beside the floor of the same run, than it may
	$(BIN)/python -W ignore -m bench.guard

.PHONY: profile
profile: $(READY) ## Show where the CPU of an event goes, by part of the walk (py-spy)
	$(BIN)/python -m bench.profile

SEED ?= 1

.PHONY: detection
detection: $(READY) ## Measure false alarms and delays of drift detection beside River (SEED=1; docs/detection.md)
	$(BIN)/python -m bench.detection --seed $(SEED)

.PHONY: fuzz
fuzz: $(READY) ## Feed all that reads what others wrote hostile inputs (MINUTES=20; counts go to bench/fuzz.json)
	$(BIN)/python -W ignore -m bench.fuzz --minutes $(or $(MINUTES),20) $(FUZZ)

.PHONY: fuzz-guided
fuzz-guided: .fuzz/.ready ## Search by coverage for inputs that break them (SECONDS_EACH=20; Linux alone)
	.fuzz/bin/python -W ignore -m bench.fuzz --atheris $(or $(SECONDS_EACH),20) $(FUZZ)

# An environment of its own: atheris changes how Python's code is compiled.
.fuzz/.ready: pyproject.toml
	$(PYTHON) -m venv .fuzz
	.fuzz/bin/python -m pip install --quiet --disable-pip-version-check --editable '.[local,dev,fuzz]'
	touch $@

.PHONY: chaos
chaos: $(READY) ## Break workers, Kafka and ClickHouse at random under load, and keep the count in docs/reliability.md (MINUTES=20 SEED=1)
	$(BIN)/python -m tests.chaos --minutes $(or $(MINUTES),20) --seed $(SEED) --keep

.PHONY: backpressure
backpressure: $(READY) ## Take ClickHouse away from a worker under load and say what it held and how it caught up (MINUTES=30 RATE=5000)
	$(BIN)/python -m tests.chaos.backpressure --minutes $(or $(MINUTES),30) --rate $(or $(RATE),5000)

.PHONY: soak
soak: $(READY) ## Let a worker run under a steady load, and keep the curves of what it holds in docs/reliability.md (HOURS=1 RATE=1000)
	$(BIN)/python -m tests.chaos.soak --hours $(or $(HOURS),1) --rate $(or $(RATE),1000) --keep

.PHONY: metrics
metrics: $(READY) ## Write docs/metrics.md anew after a change of the metrics
	$(BIN)/sluice metrics > docs/metrics.md

.PHONY: grafana
grafana: $(READY) ## Write deploy/grafana/dashboards anew after a change of the dashboards
	$(BIN)/python -m deploy.grafana

.PHONY: schema
schema: $(READY) ## Write docs/events.schema.json and docs/receiver.openapi.json anew after a change of the contracts
	$(BIN)/sluice schema > docs/events.schema.json
	$(BIN)/sluice openapi > docs/receiver.openapi.json

SUPPLY := .supply
LOCK := deploy/docker/requirements.txt

# Apart from the environment: what looks after the packages is none of them.
$(SUPPLY)/.ready:
	test -x $(SUPPLY)/bin/python || $(PYTHON) -m venv $(SUPPLY)
	$(SUPPLY)/bin/python -m pip install --quiet --disable-pip-version-check 'uv>=0.13,<0.14' 'cyclonedx-bom>=7.5,<8' 'pip-audit>=2.10,<3'
	touch $@

.PHONY: lock
lock: $(SUPPLY)/.ready ## Write deploy/docker/requirements.txt anew, each package by its hash, after a change of pyproject.toml
	echo 'setuptools>=77' | $(SUPPLY)/bin/uv pip compile pyproject.toml - --quiet --upgrade --python-version 3.11 \
	    --python-platform linux --generate-hashes --no-emit-index-url --no-annotate --custom-compile-command 'make lock' -o $(LOCK)

.PHONY: sbom
sbom: $(SUPPLY)/.ready ## Write sbom.json, the bill of materials of what is locked (CycloneDX)
	$(SUPPLY)/bin/cyclonedx-py requirements $(LOCK) --pyproject pyproject.toml --of JSON -o sbom.json

# --strict: what the service does not know, or where it cannot be asked, is no package without a fault.
.PHONY: audit
audit: $(SUPPLY)/.ready ## Look up known vulnerabilities of what is locked (asks the package index's service)
	$(SUPPLY)/bin/pip-audit --strict --require-hashes --disable-pip -r $(LOCK) || { \
	    echo 'Either a package above has known faults: raise its bound in pyproject.toml, then make lock.' >&2; \
	    echo 'Or the service was not reached, and nothing was looked up: run it where the package index is reached.' >&2; \
	    exit 1; }

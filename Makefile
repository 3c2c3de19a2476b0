# The two commands of the README are `make demo` and `make test`.

CRUX := .build/release/crux
DEMO := demo
# Where `make install` puts things; DESTDIR comes before it.
PREFIX ?= /usr/local
# Tests that need the peers find their Python in CRUX_PYTHON, and are skipped without it.
WITH_PEERS := if cmp -s fixtures/peers/requirements.txt .venv/installed-requirements.txt; then \
    export CRUX_PYTHON="$(CURDIR)/.venv/bin/python"; fi

.DEFAULT_GOAL := help
.PHONY: help demo test build install uninstall static deb bench setup peers browser crashes fuzz sanitize docs lint \
    format clean

help:  ## List the targets.
	@sed -n 's/^\([a-z]*\):.*## /\1\t/p' $(MAKEFILE_LIST) | expand -t 10

demo: build  ## Train, fine-tune, verify and diff; write demo/report.html (under ten minutes).
	$(CRUX) experiment quick --out $(DEMO)

test: setup peers  ## Run every test, optimised.
	swift build -c release --build-tests
	$(WITH_PEERS); swift test -c release --skip-build
	swift run --package-path docs/example example fixtures/golden/gpt2-biases.safetensors .build/example.crux
	$(WITH_PEERS); [ -z "$$CRUX_PYTHON" ] || "$$CRUX_PYTHON" spec/reader/test_crux_reader.py

build: setup  ## Build the command line tool, optimised.
	swift build -c release --product crux

install: build  ## Install the tool, man pages, completions and presets under PREFIX=/usr/local (DESTDIR= before it).
	.ci/packaging/install-files $(CRUX) "$(DESTDIR)" "$(PREFIX)"

uninstall:  ## Remove what install has put under PREFIX.
	.ci/packaging/uninstall-files "$(DESTDIR)" "$(PREFIX)"

static: setup  ## Build .build/static/crux, which runs without Swift (five to fifteen minutes).
	.ci/packaging/build-static

deb: static  ## Build a Debian package of it, .build/crux_*.deb.
	.ci/packaging/build-package .build/static/crux

bench: build  ## Measure training and generation beside PyTorch, in turns (half an hour; installs PyTorch).
	python3 Benchmarks/engine.py

peers: setup  ## Install what the tests compare with (numpy, safetensors, ...) into .venv.
	@.ci/install-peers

setup:  ## Install the system packages that are missing.
	@.ci/install-system-packages

browser:  ## Install Chromium, in which tests look at the report pages (skipped without it).
	@.ci/install-system-packages chromium

crashes: build  ## Kill real saves at every system call (with strace); the old or the new file must be whole.
	.ci/kill-saves $(CRUX)

fuzz: setup  ## Fuzz the parsers of outside data, SECONDS=60 in all, with address sanitizer.
	Tests/Fuzzing/run $(or $(SECONDS),60)

sanitize: setup peers  ## Run every test under address, undefined-behaviour and thread sanitizers (half an hour).
	$(WITH_PEERS); .ci/sanitize

docs:  ## Build the libraries' documentation (DocC) into .build/documentation.
	@.ci/make-docs

lint:  ## Check the formatting and the imports.
	.ci/check-traps
	swift format lint --strict --recursive Package.swift Sources Tests
	swift build -c release --build-tests --explicit-target-dependency-import-check error

format:  ## Format the sources in place.
	swift format format --in-place --recursive Package.swift Sources Tests

clean:  ## Remove what was built, and the demo.
	rm -rf .build .venv Benchmarks/.venv $(DEMO)

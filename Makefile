# The commands of the project; `make` lists them. The first call sets up what it needs
# with the scripts of ops/setup, and remembers each step that is done.

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.NOTPARALLEL:
.PHONY: help install web run test check check-delivery fmt lint types imports docs \
    audit bench bench-scale bench-peers storm soak soak-widget examples screenshots clean

export PATH := $(CURDIR)/.venv/bin:$(PATH)
PYTHON := .venv/bin/python
DONE := .venv/done
WEB_PACKAGES := web/node_modules/.package-lock.json
TEST_PACKAGES := $(WEB_PACKAGES) \
    $(patsubst %,tests/%/node_modules/.package-lock.json,sockjs feeds)
TEST_PROGRAMS := $(DONE)/redis $(DONE)/balancers $(DONE)/promtool $(DONE)/php
WIDGET := web/dist/widget.js
SETUP := setup.py $(wildcard feedsvc/sockjs/*.c)

# A virtual environment that lost its Python, or was moved, is set up again.
$(shell test -x $(PYTHON) && grep -qsF '$(CURDIR)/' .venv/bin/activate || rm -rf $(DONE))

help: ## list the commands
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "make %-15s %s\n", $$1, $$2}' Makefile

install: $(DONE)/run $(DONE)/mongod ## set up what the service needs

web: $(WIDGET) ## build the widget

run: install ## start the service, its own MongoDB and the demo station
	@$(MAKE) --silent web || echo "The widget is missing: it could not be built."
	@$(PYTHON) ops/run.py

test: $(DONE)/dev $(DONE)/mongod $(TEST_PROGRAMS) $(TEST_PACKAGES) $(WIDGET) ## run every test
	@npm --silent --prefix web test
	@CHROMIUM=$$(ops/setup/chromium.sh) && export CHROMIUM && \
	    npm --silent --prefix web run test:browser && $(PYTHON) -m pytest

check: lint types imports test ## run the linters, the type checkers and every test

check-delivery: $(DONE)/dev $(DONE)/mongod ## break the service on purpose, MINUTES=1
	@$(PYTHON) -m ops.delivery --minutes $(or $(MINUTES),1)

fmt: $(DONE)/dev ## format the Python code
	@ruff check --quiet --fix-only && ruff format

lint: $(DONE)/dev ## check the style of the Python code
	@ruff check && ruff format --check

types: $(DONE)/dev $(WEB_PACKAGES) ## check the types of the Python and JavaScript code
	@mypy && mypy ops/run.py && npm --silent --prefix web run check

imports: $(DONE)/dev ## check that the layers import downwards only
	@lint-imports

docs: $(DONE)/dev ## make the pages of docs/ a site, in build/docs
	@sphinx-build --fail-on-warning --keep-going --quiet docs build/docs
	@echo "file://$(CURDIR)/build/docs/index.html"

audit: $(DONE)/audit $(TEST_PACKAGES) ## ask what is known against our dependencies
	@$(PYTHON) ops/audit.py

bench: $(DONE)/dev $(DONE)/mongod ## measure the service on this machine
	@$(PYTHON) ops/bench/install.py && $(PYTHON) ops/bench/run.py
	@$(PYTHON) ops/bench/ingest_bench.py

bench-scale: $(DONE)/bench $(DONE)/mongod ## measure what grows with scale, and reckon with it
	@$(PYTHON) ops/bench/install.py && $(PYTHON) -m ops.scale measure
	@$(PYTHON) -m ops.scale report

bench-peers: $(DONE)/dev $(DONE)/mongod $(DONE)/node ## measure its peers too
	@$(PYTHON) ops/bench/install.py --peers && $(PYTHON) ops/bench/run.py --peers

storm: $(DONE)/dev $(DONE)/mongod ## let 3,500 clients come back within 5 s
	@$(PYTHON) ops/bench/install.py && $(PYTHON) ops/bench/storm.py

soak: $(DONE)/dev $(DONE)/mongod ## look for leaks, SOAK_MINUTES=10
	@$(PYTHON) ops/bench/install.py && $(PYTHON) ops/bench/soak.py

soak-widget: $(DONE)/dev $(DONE)/mongod $(WIDGET) ## flood the widget in a browser, SOAK_MINUTES=10
	@CHROMIUM=$$(ops/setup/chromium.sh) && export CHROMIUM && \
	    node ops/bench/widget.mjs $(or $(SOAK_MINUTES),10)

examples: $(WIDGET) ## show the widget on other pages, beside `make run`
	@node examples/web/serve.js http://127.0.0.1:$${FEEDSVC_PORT:-8080}

screenshots: $(DONE)/dev $(DONE)/mongod $(WIDGET) ## photograph the widget, and the station of `make run`
	@CHROMIUM=$$(ops/setup/chromium.sh) && export CHROMIUM && node ops/screenshots.mjs \
	    docs/images http://127.0.0.1:$${FEEDSVC_PORT:-8080}

clean: ## remove all that was installed or built, but not the data
	rm -rf .venv build web/dist web/node_modules tests/*/node_modules *.egg-info
	rm -rf .*_cache .hypothesis

$(DONE)/run: $(SETUP)
	@ops/setup/python.sh embedded
	@mkdir -p $(DONE) && touch $@

$(DONE)/dev: $(SETUP)
	@ops/setup/python.sh embedded,test,check,docs
	@mkdir -p $(DONE) && touch $@ $(DONE)/run

$(DONE)/audit: $(SETUP) | $(DONE)/dev
	@ops/setup/python.sh audit && touch $@

$(DONE)/bench: $(SETUP) | $(DONE)/dev
	@ops/setup/python.sh bench && touch $@

$(DONE)/mongod: | $(DONE)/run
	@ops/setup/mongod.sh $@

$(DONE)/redis: | $(DONE)/dev
	@ops/setup/redis.sh && touch $@

$(DONE)/php: | $(DONE)/dev
	@ops/setup/php.sh && touch $@

$(DONE)/balancers: | $(DONE)/dev
	@ops/setup/balancers.sh && touch $@

$(DONE)/promtool: | $(DONE)/dev
	@ops/setup/promtool.sh && touch $@

$(DONE)/node: | $(DONE)/run
	@ops/setup/node.sh && touch $@

%/node_modules/.package-lock.json: %/package.json | $(DONE)/node
	@ops/setup/npm.sh $* && touch $@

$(WIDGET): $(wildcard web/src/* web/admin/* web/builder/* web/embed/* web/demo/* web/demo/*/*) web/build.js $(WEB_PACKAGES)
	@npm --silent --prefix web run build

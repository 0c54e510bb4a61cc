# `make paper` and `make test` set everything up by themselves; `make help` lists the rest.
BIN := .venv/bin
PYTHON := $(BIN)/python
RUN := $(BIN)/gradient-horizon run

.PHONY: paper report smoke check test verify bench bench-peers lint format docs readme lock clean distclean help

paper: ## train, measure and build results/paper/paper.pdf (the default)
	@./bootstrap.sh
	@$(RUN) $(ARGS)

report: ## show figures, tables and papers of the finished run on one page, results/report.html
	@./bootstrap.sh
	@$(RUN) --report results/report.html $(ARGS)

smoke: ## the same with the small configuration, into smoke/results/
	@./bootstrap.sh
	@$(RUN) --directory smoke --configfile config/smoke.yaml $(ARGS)

check: lint ## the same and the unit tests, side by side on all cores
	@$(PYTHON) -m pytest -q -n auto --dist loadgroup -m 'not slow' --ignore tests/workflow $(ARGS)

test: ## run all tests, side by side on all cores
	@./bootstrap.sh --test
	@$(PYTHON) -m pytest -n auto --dist loadgroup $(ARGS)

verify: ## run the small configuration afresh and compare it with the reference
	@./bootstrap.sh
	@rm -rf .verify
	@$(RUN) --directory .verify --configfile config/smoke.yaml
	@$(PYTHON) workflow/scripts/verify_results.py --results .verify/results \
		--reference tests/reference $(ARGS)

bench: ## time the kernels, remedies, planning of a large grid, the workflow's own cost, live models
	@./bootstrap.sh
	@$(PYTHON) benchmarks/bench.py
	@$(PYTHON) benchmarks/remedies.py
	@$(PYTHON) benchmarks/plan_large_grid.py
	@$(PYTHON) benchmarks/workflow_cost.py
	@$(PYTHON) -c 'import torch' 2> /dev/null && $(PYTHON) benchmarks/live.py \
		|| echo 'no PyTorch: live models are not timed (bootstrap.sh --test installs it)'

bench-peers: .venv-peers/installed ## time them beside PyTorch and JAX
	@.venv-peers/bin/python benchmarks/compare.py

.venv-peers/installed: benchmarks/requirements-peers.txt
	@./bootstrap.sh
	@rm -rf .venv-peers
	@$(PYTHON) -m venv .venv-peers
	@.venv-peers/bin/python -m pip install -q -r benchmarks/requirements-peers.txt
	@touch $@

lint: ## check style, workflow, and what imports what
	@./bootstrap.sh
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/snakefmt --check Snakefile workflow
	$(BIN)/snakemake --lint
	$(BIN)/lint-imports

format: ## rewrite the code in the project's style
	@./bootstrap.sh
	$(BIN)/ruff check --fix
	$(BIN)/ruff format
	$(BIN)/snakefmt Snakefile workflow

docs: ## write the table of config/README.md from the schema
	@./bootstrap.sh
	@$(PYTHON) workflow/scripts/document_config.py

readme: paper ## make the README's figures: from its first lines, and from the run
	@./bootstrap.sh --test
	cd docs && sed -n '/^```python/,/^```/{/^```/d;p};/^says/q' ../README.md | ../$(PYTHON) -
	cp results/figures/transport_words.png docs/

lock: ## resolve requirements.in into requirements.lock
	@./bootstrap.sh
	$(BIN)/uv pip compile -q --universal --generate-hashes --no-emit-index-url --no-emit-find-links \
		--no-header --no-annotate --python-version 3.11 -o requirements.lock requirements.in

clean: ## remove results and logs
	rm -rf results logs smoke .verify

distclean: clean ## remove the environment and the workflow's memory too
	rm -rf .venv .venv-peers .snakemake .bootstrap.lock .run.lock

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-12s %s\n", $$1, $$2}' Makefile

# Everything a newcomer needs: `make chat`, `make test`. Setting up prints to standard error only,
# so that `make -s chat` in a pipe gives replies and nothing else.
PYTHON ?= $(shell for p in python3 python3.14 python3.13 python3.12 python3.11 python; do \
	$$p -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$p && break; done)
# A Python that was asked for is taken, though .venv is of another one.
WANTED := $(if $(filter undefined file,$(origin PYTHON)),,--wanted)
BIN := .venv/bin
# What is compiled once is not compiled anew by each of the processes that tests start.
export PYTHONDONTWRITEBYTECODE =
SETUP = @python="$(PYTHON)"; if [ -z "$$python" ]; then echo "everbot needs Python 3.11 or newer with its venv module \
	(on Debian and Ubuntu: apt install python3-venv); set PYTHON=/path/to/python if it is elsewhere." >&2; exit 1; fi; \
	"$$python" scripts/make_venv.py $(WANTED)

# What a change needs in under a minute: rules, contracts, and a story of each kind. What takes longer is left to `make test`.
QUICK := tests/unit tests/contract tests/integration/test_agent.py tests/integration/test_admin.py \
	tests/integration/test_openai_answers.py tests/acceptance/test_memory_pages.py \
	tests/acceptance/test_forgetting_lore.py tests/acceptance/test_forgetting_program.py \
	tests/acceptance/test_discord_changes.py tests/acceptance/test_slack_http.py
SLOW := tests/unit/memory/index tests/contract/test_embedder.py tests/contract/test_vector_index.py \
	tests/unit/memory/documents tests/unit/memory/store/postgres tests/unit/memory/test_law.py \
	tests/unit/adapters/slack/test_fuzz.py tests/unit/bot/personas/cards/test_fuzz.py tests/unit/test_package.py

.PHONY: chat setup setup-dev test test-browser test-postgres test-mcp test-api quick check package-check container-check soak kills catalogues lock clean

chat: setup
	@$(BIN)/everbot chat

setup:
	$(SETUP)

setup-dev:
	$(SETUP) --dev

test: setup-dev
	@$(BIN)/python -m pytest -n auto --dist worksteal -rs

# The pages in a real browser (Debian: apt install chromium); SCREENSHOTS=folder keeps pictures of them.
test-browser: setup-dev
	@$(BIN)/python -m pytest -m browser -rs tests/browser

# All that is to hold on PostgreSQL, on a throw-away server of its own (Debian: apt install postgresql): the store's
# contract, its own tests, and stories.
STORIES := tests/integration/test_agent.py tests/integration/test_mailboxes.py tests/integration/test_lore.py \
	tests/acceptance/test_facts_in_time.py tests/acceptance/test_heartbeats.py tests/acceptance/test_export.py \
	tests/acceptance/test_personas.py tests/acceptance/test_forgetting_wishes.py tests/acceptance/test_limits.py \
	tests/acceptance/test_operating.py tests/acceptance/test_tools.py tests/acceptance/test_kept_documents.py \
	tests/acceptance/test_web_memory.py tests/acceptance/test_standby.py tests/acceptance/test_pictures.py \
	tests/acceptance/test_picture_deletion.py tests/acceptance/test_undo_meanwhile.py tests/acceptance/test_shared_work.py \
	tests/acceptance/test_shared_forgetting.py \
	tests/acceptance/test_rolling_upgrade.py tests/acceptance/test_workers.py tests/acceptance/test_gateways.py \
	tests/acceptance/test_split_brain.py
test-postgres: setup-dev
	@EVERBOT_TEST_DATABASE=postgres $(BIN)/python -m pytest -n auto --dist worksteal -rs \
		tests/contract/test_store*.py tests/contract/test_cluster.py tests/contract/test_leases.py tests/unit/memory/store/postgres tests/integration/test_postgres.py \
		tests/integration/test_store_migrate.py $(STORIES)

# Against real servers of tools, installed from the registries where they can be had.
test-mcp: setup-dev
	@$(BIN)/python scripts/mcp_servers.py .venv/mcp-servers

# The memory API as it is described, tried by Schemathesis, which is installed beside where it can be had.
test-api: setup-dev
	@$(BIN)/python scripts/api_check.py .venv/schemathesis

quick: setup-dev
	@$(BIN)/python -m pytest -n auto --dist worksteal -rs $(QUICK) $(SLOW:%=--ignore=%)

check: setup-dev
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports --no-logo

# What people install: built, looked into, installed into new environments, and talked with there.
package-check: setup-dev
	@$(BIN)/python scripts/package_check.py

soak: setup-dev
	@COLD=1 $(BIN)/python -m pytest -m soak
	@EVERBOT_TEST_DATABASE=postgres $(BIN)/python -m pytest -m "soak and postgres" tests/acceptance

# Any of three workers and two gateways is killed, under load of Discord and Slack: 200 times, or KILLS; SEED decides when.
kills: setup-dev
	@EVERBOT_TEST_DATABASE=postgres $(BIN)/python -m pytest -q -s -m soak tests/acceptance/test_cluster_kills.py

# Each step of the Dockerfile, without Docker; minutes. Needs root, and Debian's buildah and debootstrap.
container-check:
	@deploy/container_check.sh

# The catalogues of bot/language: what is marked in the sources is taken over, what is translated is compiled.
MARKS := -k gettext -k marked -k ngettext:1,2 -k pgettext:1c,2
CATALOGUES := bot/language/locale
TEMPLATE := .venv/everbot.pot
catalogues: setup-dev
	@$(BIN)/python -m babel.messages.frontend -q extract -F pyproject.toml --no-default-keywords $(MARKS) \
		--sort-by-file --add-location file --project everbot -o $(TEMPLATE) bot adapters
	@$(BIN)/python -m babel.messages.frontend -q update -D everbot -i $(TEMPLATE) -d $(CATALOGUES) \
		--no-fuzzy-matching --ignore-obsolete --ignore-pot-creation-date --no-wrap
	@$(BIN)/python -m babel.messages.frontend -q compile -D everbot -d $(CATALOGUES)

# Recompile the locks (needs uv). No index address is recorded.
lock:
	uv pip compile --universal --generate-hashes --no-header --no-annotate --all-extras --group build \
		pyproject.toml -o requirements.lock
	uv pip compile --universal --generate-hashes --no-header --no-annotate --group dev \
		-c requirements.lock -o requirements-dev.lock

clean:
	rm -rf .venv

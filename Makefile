# agentd - build, run and test.  `make help` lists the targets.
#
# What is missing on a bare Debian 12 machine is installed by `deps` (as root; otherwise it prints the one command),
# before the sub-make that reads pkg-config.  VARIANT=asan, clang, … builds beside the release, in build/<variant>/.

VARIANT ?= release
B       := $(if $(filter release,$(VARIANT)),build,build/$(VARIANT))
PKGS    := libzmq lmdb msgpack jansson libfyaml libxxhash libsodium libwebsockets
WARN    := -Wall -Wextra -Werror -Wshadow -Wconversion -Wvla -Wformat=2 -Wstrict-prototypes \
           -Wmissing-prototypes -Wno-sign-conversion

hardened := -g -fstack-protector-strong -D_FORTIFY_SOURCE=2
checked  := -O1 -g -fno-omit-frame-pointer -fno-sanitize-recover=undefined
CC.release  := gcc
CC.debug    := gcc
CC.clang    := clang
CC.clang-O0 := clang
CC.asan     := clang
CC.fuzz     := clang
CFLAGS.release  := -O2 $(hardened)
CFLAGS.debug    := -O0 -g
CFLAGS.clang    := -O2 $(hardened)
CFLAGS.clang-O0 := -O0 -g
CFLAGS.asan     := $(checked) -fsanitize=address,undefined
CFLAGS.fuzz     := $(checked) -fsanitize=fuzzer-no-link,address,undefined
LDFLAGS.asan    := -fsanitize=address,undefined
LDFLAGS.fuzz    := -fsanitize=fuzzer,address,undefined

CC      := $(CC.$(VARIANT))
CFLAGS  := -std=c11 -D_GNU_SOURCE -I. $(WARN) $(CFLAGS.$(VARIANT)) $(shell pkg-config --cflags $(PKGS) 2>/dev/null)
LDFLAGS := $(LDFLAGS.$(VARIANT))
LDLIBS  := -Wl,--as-needed $(shell pkg-config --libs $(PKGS) 2>/dev/null) -lev
link     = @echo "  LINK  $@"; $(CC) $(LDFLAGS) $(LDFLAGS.$(@F)) -o $@ $(filter %.o,$^) $(filter %.a,$^) $(filter %.a,$^) $(LDLIBS)
make_in := +@$(MAKE) --no-print-directory

# ---- what there is: found by folder ---------------------------------------------------------------

src       = $(wildcard $(addsuffix /*.c,$(1)))
obj       = $(patsubst %.c,$(B)/%.o,$(filter-out %/main.c,$(call src,$(1))))
UNIT     := $(patsubst tests/unit/%.c,$(B)/unit/%,$(wildcard tests/unit/test_*.c))
UNITHELP := $(patsubst %.c,$(B)/%.o,$(filter-out tests/unit/test_%.c,$(wildcard tests/unit/*.c)))
SYSTEM   := $(patsubst tests/system/%.c,$(B)/system/%,$(wildcard tests/system/test_*.c))
SYSHELP  := $(patsubst %.c,$(B)/%.o,$(filter-out tests/system/test_%.c,$(wildcard tests/system/*.c)))
CLOCK    := $(patsubst tests/clock/%.c,$(B)/clock/system/%,$(wildcard tests/clock/test_*.c))
FUZZ     := $(patsubst tests/fuzz/%.c,$(B)/fuzz/%,$(wildcard tests/fuzz/fuzz_*.c))
LIBS     := $(addprefix $(B)/,gateway.a ctl.a delivery.a worker.a super.a engine.a core.a)
PROGRAMS := $(addprefix $(B)/,agentd agent-worker agent-delivery agentctl agent-gateway)

# ---- building -----------------------------------------------------------------------------------

.PHONY: all programs
all: deps ## build the programs into build/
	$(make_in) programs
programs: $(PROGRAMS)

$(B)/core.a: $(call obj,common proto)
$(B)/engine.a: $(call obj,supervisor/engine supervisor/store)
$(B)/super.a: $(call obj,supervisor supervisor/forecast supervisor/config)
$(B)/worker.a: $(call obj,worker)
$(B)/delivery.a: $(call obj,worker/delivery)
$(B)/ctl.a: $(call obj,tools/agentctl tools/control)
$(B)/gateway.a: $(call obj,tools/gateway)
%.a:
	@rm -f $@; ar rcs $@ $^

$(B)/agentd: $(B)/supervisor/main.o $(B)/supervisor/accept4.o $(B)/super.a $(B)/engine.a $(B)/core.a
	$(link)
$(B)/agent-worker: $(B)/worker/main.o $(B)/worker.a $(B)/core.a
	$(link)
$(B)/agent-delivery: $(B)/worker/delivery/main.o $(B)/delivery.a $(B)/worker.a $(B)/core.a
	$(link)
$(B)/agentctl: $(B)/tools/agentctl/main.o $(B)/ctl.a $(B)/core.a
	$(link)
$(B)/agent-gateway: $(B)/tools/gateway/main.o $(B)/gateway.a $(call obj,tools/control) $(B)/core.a
	$(link)
$(B)/sim: $(call obj,tools/sim) $(B)/tools/sim/main.o $(B)/engine.a $(B)/core.a
	$(link)
$(B)/bench: $(call obj,tools/bench) $(B)/tools/bench/main.o $(B)/engine.a $(B)/core.a
	$(link)
$(B)/torture: $(call obj,tests/torture) $(B)/tests/torture/main.o $(B)/tests/system/webrequest.o $(B)/core.a
	$(link)
$(B)/schema: $(B)/tools/schema.o $(B)/core.a
	$(link)
$(B)/unit/%: $(B)/tests/unit/%.o $(UNITHELP) $(LIBS)
	@mkdir -p $(@D)
	$(link) -lcmocka
$(B)/system/%: $(B)/tests/system/%.o $(SYSHELP) $(B)/delivery.a $(B)/worker.a $(B)/core.a
	@mkdir -p $(@D)
	$(link) -lcmocka
# The programs by a clock that tests set: its object stands before the archive that has the real one.
CLOCKED := $(addprefix $(B)/clock/,agentd agent-worker agent-delivery agentctl)
$(B)/clock/agentd: $(B)/supervisor/main.o $(B)/supervisor/accept4.o $(B)/tests/clock/clock.o $(B)/super.a $(B)/engine.a $(B)/core.a
	@mkdir -p $(@D)
	$(link)
$(B)/clock/agent-worker: $(B)/worker/main.o $(B)/tests/clock/clock.o $(B)/worker.a $(B)/core.a
	@mkdir -p $(@D)
	$(link)
$(B)/clock/agent-delivery: $(B)/worker/delivery/main.o $(B)/tests/clock/clock.o $(B)/delivery.a $(B)/worker.a $(B)/core.a
	@mkdir -p $(@D)
	$(link)
$(B)/clock/agentctl: $(B)/agentctl
	@mkdir -p $(@D); ln -sf ../agentctl $@
$(B)/clock/system/%: $(B)/tests/clock/%.o $(SYSHELP) $(B)/core.a
	@mkdir -p $(@D)
	$(link) -lcmocka
$(B)/fuzz/%: $(B)/tests/fuzz/%.o $(LIBS)
	@mkdir -p $(@D)
	$(link)
$(B)/oracle/%: $(B)/tests/oracle/%.o $(B)/core.a
	@mkdir -p $(@D)
	$(link)
$(B)/%.o: %.c
	@mkdir -p $(@D)
	@echo "  CC    $@"
	@$(CC) $(CFLAGS) -MMD -MP -c -o $@ $<

.PHONY: deps deps-check
deps: ## install the packages that the build needs (as root; else print the command)
	@tools/deps.sh
deps-check:
	@tools/deps.sh check

.PHONY: run
run: all ## build, then start agentd in the foreground with etc/agentd.yaml
	exec $(B)/agentd -c etc/agentd.yaml

# ---- tests --------------------------------------------------------------------------------------

.PHONY: check unit system asan fuzz browser oracle sim sim-compare torture lint
check: deps-check ## everything: lint, all builds, unit and system tests, sanitizers, fuzz, simulation, torture
	@tools/check.sh
unit: deps-check ## the unit tests
	$(make_in) unit-run
system: deps-check ## the tests with the real programs
	$(make_in) system-run
asan: deps-check ## unit and system tests under ASan and UBSan
	$(make_in) VARIANT=asan unit-run system-run
fuzz: deps-check ## each fuzz target for SECONDS (30)
	$(make_in) VARIANT=fuzz fuzz-run
browser: deps-check ## the example page in a headless Chromium
	$(make_in) browser-run
oracle: deps-check ## the next times of CASES (100000) random cron expressions against Python's
	$(make_in) oracle-run
sim: deps ## SEEDS (200) runs of the simulator, from SEED (1), OPS operations each
	$(make_in) sim-run
torture: deps ## the real programs, killed at random KILLS (50) times, with SCHEDULES (24) of mixed kinds
	$(make_in) torture-run
lint: deps-check ## format, layers, lengths, clang-tidy, cppcheck
	@tools/lint.sh

.PHONY: tests fuzz-build unit-run system-run browser-run fuzz-run oracle-run sim-run torture-run
tests: programs $(CLOCKED) $(UNIT) $(SYSTEM) $(CLOCK)
unit-run: $(UNIT)
	@tools/run-tests.sh $(UNIT)
system-run: programs $(CLOCKED) $(SYSTEM) $(CLOCK)
	@BUILD=$(B) tools/run-tests.sh $(SYSTEM) $(CLOCK)
browser-run: programs
	tests/browser/chat.py $(B)
SECONDS ?= 30
fuzz-build: $(FUZZ)
fuzz-run: $(FUZZ)
	@tools/run-fuzz.sh $(SECONDS) $(FUZZ)
CASES ?= 100000
oracle-run: $(B)/oracle/next
	tests/oracle/cron.py $(B)/oracle/next $(CASES) $(SEED)
SEEDS ?= 200
SEED  ?= 1
OPS   ?= 2000
YEARS ?= 0
sim-run: $(B)/sim
	$(B)/sim --seeds $(SEEDS) --seed $(SEED) --ops $(OPS) --years $(YEARS)
sim-compare: deps-check ## the same seeds with gcc and clang, -O0 and -O2: equal hashes
	@tools/sim-compare.sh
KILLS ?= 50
SCHEDULES ?= 24
torture-run: programs $(B)/torture
	$(B)/torture --build $(B) --kills $(KILLS) --schedules $(SCHEDULES) $(if $(TORTURE_SEED),--seed $(TORTURE_SEED))

# ---- measuring, documents, the rest --------------------------------------------------------------

.PHONY: bench bench-quick
bench: deps ## measure agentd, its peers and the machine's limits in one run
	$(make_in) programs $(B)/bench
	$(B)/bench --build $(B)
bench-quick: deps ## the same in two minutes
	$(make_in) programs $(B)/bench
	$(B)/bench --build $(B) --quick

.PHONY: docs docs-run
docs: deps ## print the message lists, completion and man page into their files
	$(make_in) docs-run
docs-run: $(B)/schema $(B)/agentctl
	$(B)/schema proto/PROTOCOL.md proto/schema.lock
	@mkdir -p etc/completions etc/man
	$(B)/agentctl completion bash > etc/completions/agentctl.bash
	$(B)/agentctl help --man > etc/man/agentctl.1

PREFIX ?= /usr/local
.PHONY: install format clean help
install: all ## into PREFIX (/usr/local) below DESTDIR
	install -D -m 755 -t $(DESTDIR)$(PREFIX)/bin $(PROGRAMS)
	install -D -m 644 etc/completions/agentctl.bash $(DESTDIR)$(PREFIX)/share/bash-completion/completions/agentctl
	install -D -m 644 -t $(DESTDIR)$(PREFIX)/share/man/man1 etc/man/agentctl.1
	install -D -m 644 -t $(DESTDIR)$(PREFIX)/share/agentd/web etc/web/*
format: ## clang-format everything
	git ls-files '*.c' '*.h' | xargs -n 1 clang-format -i
clean: ## remove build/
	rm -rf build
help: ## this list
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/\1|\2/p' $(MAKEFILE_LIST) | awk -F '|' '{ printf "  make %-12s %s\n", $$1, $$2 }'

-include $(shell find $(B) -name '*.d' -not -path 'build/*/build/*' 2>/dev/null)
.SECONDARY:

# The calls that these tests make fail.
comma := ,
LDFLAGS.test_store_faults := $(addprefix -Wl$(comma)--wrap=,mdb_put mdb_del mdb_get mdb_stat mdb_cursor_open \
    mdb_cursor_get mdb_txn_begin mdb_txn_commit mdb_dbi_open mdb_env_create mdb_env_open fsync fstatat openat \
    renameat)

LDFLAGS.test_turns := -Wl,--wrap=mdb_put -Wl,--wrap=mdb_txn_commit

# A simulated store's one random number comes from the seed.
LDFLAGS.sim := -Wl,--wrap=getrandom
.PHONY: sim-build
sim-build: $(B)/sim

# agentd - build, run and test.  `make help` lists the targets.
#
# What is missing on a bare Debian 12 machine is installed by `deps` (as root; otherwise it prints the
# one command), before the sub-make that reads pkg-config.  VARIANT=asan, clang, … build beside the
# release in build/<variant>/.

VARIANT ?= release
B       := $(if $(filter release,$(VARIANT)),build,build/$(VARIANT))
PKGS    := libczmq libzmq lmdb msgpack jansson libfyaml libxxhash
WARN    := -Wall -Wextra -Werror -Wshadow -Wconversion -Wvla -Wformat=2 -Wstrict-prototypes \
           -Wmissing-prototypes -Wno-sign-conversion

CC.release  := gcc
CC.asan     := clang
CC.clang    := clang
CC.debug    := gcc
CC.clang-O0 := clang
CFLAGS.release  := -O2 -g -fstack-protector-strong -D_FORTIFY_SOURCE=2
CFLAGS.clang    := -O2 -g -fstack-protector-strong -D_FORTIFY_SOURCE=2
CFLAGS.debug    := -O0 -g
CFLAGS.clang-O0 := -O0 -g
CFLAGS.asan     := -O1 -g -fno-omit-frame-pointer -fsanitize=address,undefined -fno-sanitize-recover=undefined
CFLAGS.fuzz     := -O1 -g -fno-omit-frame-pointer -fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=undefined
CC.fuzz         := clang
CC              := $(CC.$(VARIANT))

CFLAGS  := -std=c11 -D_GNU_SOURCE -I. $(WARN) $(CFLAGS.$(VARIANT)) $(shell pkg-config --cflags $(PKGS) 2>/dev/null)
LDFLAGS := $(filter -fsanitize%,$(CFLAGS.$(VARIANT)))
LDLIBS  := $(shell pkg-config --libs $(PKGS) 2>/dev/null)

obj     = $(patsubst %.c,$(B)/%.o,$(wildcard $(addsuffix /*.c,$(1))))
COMMON := $(call obj,common)
CORE   := $(COMMON) $(call obj,proto)
ENGINE := $(call obj,supervisor/engine supervisor/store)
SUPER  := $(call obj,supervisor)
WORKER := $(call obj,worker)
CTL    := $(call obj,tools/agentctl)
UNIT   := $(patsubst tests/unit/%.c,$(B)/%,$(wildcard tests/unit/test_*.c))

.PHONY: all
all: deps
	@$(MAKE) --no-print-directory programs

.PHONY: programs
programs: $(B)/agentd $(B)/agent-worker $(B)/agentctl

$(B)/agentd: $(CORE) $(ENGINE) $(SUPER)
	@echo "  LINK  $@"
	@$(CC) $(LDFLAGS) -o $@ $^ $(LDLIBS)
$(B)/agent-worker: $(CORE) $(WORKER)
	@echo "  LINK  $@"
	@$(CC) $(LDFLAGS) -o $@ $^ $(LDLIBS)
$(B)/agentctl: $(CORE) $(CTL)
	@echo "  LINK  $@"
	@$(CC) $(LDFLAGS) -o $@ $^ $(LDLIBS)
# A unit test may use everything but the programs' mains.
$(B)/test_%: $(B)/tests/unit/test_%.o $(CORE) $(ENGINE) $(filter-out %/main.o,$(SUPER) $(WORKER) $(CTL))
	@echo "  LINK  $@"
	@$(CC) $(LDFLAGS) -o $@ $^ $(LDLIBS) -lcmocka
$(B)/%.o: %.c
	@mkdir -p $(@D)
	@echo "  CC    $@"
	@$(CC) $(CFLAGS) -MMD -MP -c -o $@ $<

.PHONY: deps
deps:
	@tools/deps.sh

.PHONY: unit
unit: deps
	@$(MAKE) --no-print-directory unit-run
.PHONY: unit-run
unit-run: $(UNIT)
	@for t in $(UNIT); do ./$$t || exit 1; done

.PHONY: format
format:
	git ls-files '*.c' '*.h' | xargs clang-format -i

.PHONY: clean
clean:
	rm -rf build

-include $(shell find $(B) -name '*.d' 2>/dev/null)
.SECONDARY:

# The message lists, printed into the documents that show them.
$(B)/schema: $(B)/tools/schema.o $(CORE)
	@echo "  LINK  $@"
	@$(CC) $(LDFLAGS) -o $@ $^ $(LDLIBS)
.PHONY: docs
docs: deps
	@$(MAKE) --no-print-directory docs-run
.PHONY: docs-run
docs-run: $(B)/schema
	$(B)/schema proto/PROTOCOL.md proto/schema.lock

# A system test drives the real programs, in a process of its own; what such tests share lies beside
# them.
SYSTEM      := $(patsubst tests/system/test_%.c,$(B)/system_%,$(wildcard tests/system/test_*.c))
SYSTEM_HELP := $(patsubst %.c,$(B)/%.o,$(filter-out $(wildcard tests/system/test_*.c),$(wildcard tests/system/*.c)))
$(B)/system_%: $(B)/tests/system/test_%.o $(SYSTEM_HELP) $(CORE) | $(B)/agent-worker
	@echo "  LINK  $@"
	@$(CC) $(LDFLAGS) -o $@ $(filter %.o,$^) $(LDLIBS) -lcmocka
.PHONY: system
system: deps
	@$(MAKE) --no-print-directory system-run
.PHONY: system-run
system-run: programs $(SYSTEM)
	@for t in $(SYSTEM); do ./$$t || exit 1; done

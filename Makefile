# The short front door; meson.build does the building. Targets:
#   setup        the Debian packages of deps/apt.txt that are missing
#   run          everything, then the main job (ATTACK=none, MAIL=path, PLANNER=)
#   check        unit and system tests, and the checks of the tree (SAN=1: with
#                address and undefined-behaviour sanitizers)
#   check-all    check, and sanitizers, 1,000 mails, 10,000 at once, every fault of
#                store and auditd, four kill campaigns, tidy, fuzz-smoke,
#                conformance, nested
#   bench        build/bench.json
#   replay       build/replay.json: what comes of a planner who obeys attackers
#   nested       the system tests on a KVM of their own, in an emulated machine
#   bench-nested build/bench-nested.json: the same, with a clock that counts
#                instructions
#   install      into $(DESTDIR)$(PREFIX)
#   deb          build/bulkhead_VERSION_amd64.deb
#   local        what the planner `local` needs: llama.cpp from npm, its image
#   kernel, qemu, images, tidy, fuzz-smoke, conformance, check-bare, clean
# Only apt-get is elevated (tools/setup); the rest belongs to who called make.

B := $(if $(filter 1,$(SAN)),build/san,build)

# Login shells export MAIL as the path of a mailbox: only `make MAIL=` counts.
ifneq ($(origin MAIL),command line)
unexport MAIL
endif

PREFIX ?= /usr/local
image_kinds := reader-email planner-triage planner-gullible planner-llm probe

.NOTPARALLEL:

.PHONY: local all setup setup-check setup-all run check check-all build kernel \
	qemu images tidy fuzz-smoke conformance nested bench bench-nested replay \
	check-bare install deb clean

all: images

setup:
	@tools/setup front run build kernel qemu

setup-check:
	@tools/setup front run build kernel qemu test

setup-all:
	@tools/setup front run build kernel qemu test analysis \
		conformance nested

# The sanitizers' build borrows the guest images, so build/ is always built.
build: setup
	@tools/build build
ifeq ($(SAN),1)
	@tools/build build/san -Db_sanitize=address,undefined -Db_lundef=false
endif

kernel: setup
	@tools/kernel sealed build/images/kernel

qemu: kernel
	@tools/qemu build/images/qemu build/images/kernel

images: build kernel qemu
	@tools/images $(image_kinds)

local: images
	@tools/setup local
	@tools/local

run: images
	@tools/demo $(B)

check: setup-check images
	@tools/check $(B)

# AFTER_CHECK=1 counts the results of the check before it instead of checking
# again: for .ci/run, which runs both.
check-all: setup-all images
	@tools/check --all $(if $(AFTER_CHECK),--after-check)

tidy: setup-all build
	@tools/tidy

fuzz-smoke: setup-all
	@tools/fuzz-smoke

conformance: setup-all images
	@tools/conformance

nested: images
	@tools/setup nested
	@tools/nested

bench: setup-all images
	@tools/bench

bench-nested: images
	@tools/setup nested
	@tools/nested bench

replay: build
	@tools/setup build replay
	@tools/replay $(B)

check-bare: deb
	@tools/setup bare
	@tests/bare/bare.sh

install: images
	@tools/install build build/images "$(PREFIX)" "$(DESTDIR)"

deb: images
	@tools/setup package
	@tools/deb build build/images build

clean:
	rm -rf build

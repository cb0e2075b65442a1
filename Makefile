# One word a loop; `make help` lists them.

SWIFT ?= swift
PREFIX ?= /usr/local
SECONDS ?= 600
DESTDIR ?=
sbindir = $(DESTDIR)$(PREFIX)/sbin
share = $(DESTDIR)$(PREFIX)/share
unitdir = $(DESTDIR)$(PREFIX)/lib/systemd/system
# The program looks for its policy here, wherever it is itself.
confdir = $(DESTDIR)/etc/dockernft

# lld, for gold warns of a mktemp that Foundation has and nobody here calls. For a quicker start: packed relocations, no symbols for
# others to link with, and the C++ library that Swift's own is made with inside, where there is one to be linked so.
STATIC = .build/static
RELEASE = -c release --static-swift-stdlib -Xswiftc -use-ld=lld -Xlinker -L$(STATIC) -Xlinker --no-export-dynamic \
	-Xlinker -z -Xlinker pack-relative-relocs --product dockernft
SCRIPTS = .ci/run .ci/install-packages .ci/check-unit nft/try.sh Fuzz/run

.PHONY: build release try check test golden sanitize fuzz bench install uninstall clean help

build: ## the program, for debugging: .build/debug/dockernft
	$(SWIFT) build --product dockernft

release: ## the program, optimised, with Swift's library in it
	@mkdir -p $(STATIC)
	@library=$$(clang -print-file-name=libstdc++.a 2>/dev/null) && ln -sf "$$library" $(STATIC)/libstdc++.a || rm -f $(STATIC)/libstdc++.a
	$(SWIFT) build $(RELEASE)

try: ## a Docker host in miniature, real packets, before and after (root)
	@.ci/install-packages
	@$(MAKE) --no-print-directory build
	DOCKERNFT=.build/debug/dockernft nft/try.sh

check: ## format, layers, scripts, manual and systemd units
	$(SWIFT) format lint --strict --parallel --recursive Package.swift Sources Tests Fuzz
	@if command -v shellcheck >/dev/null; then echo shellcheck $(SCRIPTS); shellcheck $(SCRIPTS); fi
	@if command -v mandoc >/dev/null; then echo mandoc; mandoc -T lint -W warning docs/dockernft.8; fi
	.ci/check-unit packaging/dockernft.service
	.ci/check-unit packaging/dockernft-watch.service
	$(SWIFT) test --disable-xctest --filter LayeringTests

test: ## every test; those that need root or a program say so when they are skipped
	@.ci/install-packages
	$(SWIFT) test --disable-xctest

golden: ## write the expectations under nft/cases and Tests/PolicyTests anew; fails, so that what changed is read and committed
	DOCKERNFT_GOLDEN=write $(SWIFT) test --disable-xctest --filter "CaseTests|PolicyTests"

# XCTest leaks objects of its own at exit, hence without it. gold warns about every symbol of the sanitizer, hence lld. Left out
# are tests whose work is done by other programs.
sanitize: ## the tests under AddressSanitizer and LeakSanitizer
	ASAN_OPTIONS=detect_leaks=1 LSAN_OPTIONS=suppressions=$(CURDIR)/.ci/leaks:print_suppressions=0 \
		$(SWIFT) test --disable-xctest --sanitize=address --scratch-path .build-asan -Xswiftc -use-ld=lld \
		--skip DockerTests --skip FaultTests --skip CaseTests --skip LayeringTests --skip TestSupportTests \
		--skip PodmanTests --skip RealDockerTests --skip SwarmTests --skip MatrixTests --skip RealHostTests --skip RealEngineTests \
		--skip LockoutTests --skip ConfirmationTests --skip RootlessTests --skip VerifyTests --skip WrongRulesetTests

fuzz: ## what reads the kernel's bytes and people's files, under AddressSanitizer; SECONDS (600) each
	Fuzz/run $(SECONDS)

bench: release ## what an apply, a check and an explain cost, as ratios to nft in the same run (root)
	python3 Benchmarks/bench.py --dockernft .build/release/dockernft

install: release ## into DESTDIR and PREFIX (/usr/local); enables nothing, overwrites no policy
	install -D -s -m 755 .build/release/dockernft $(sbindir)/dockernft
	install -D -m 644 docs/dockernft.8 $(share)/man/man8/dockernft.8
	install -d $(unitdir) $(share)/bash-completion/completions $(share)/zsh/site-functions $(share)/fish/vendor_completions.d
	for unit in dockernft dockernft-watch; do \
		sed 's,/usr/sbin/dockernft,$(PREFIX)/sbin/dockernft,' packaging/$$unit.service >$(unitdir)/$$unit.service && \
		chmod 644 $(unitdir)/$$unit.service || exit 1; done
	.build/release/dockernft --generate-completion-script bash >$(share)/bash-completion/completions/dockernft
	.build/release/dockernft --generate-completion-script zsh >$(share)/zsh/site-functions/_dockernft
	.build/release/dockernft --generate-completion-script fish >$(share)/fish/vendor_completions.d/dockernft.fish
	install -D -m 644 packaging/nftables-dockernft.conf $(unitdir)/nftables.service.d/dockernft.conf
	install -d -m 750 $(confdir)
	install -d -m 700 $(DESTDIR)/var/lib/dockernft
	install -m 640 packaging/policy.yaml.example $(confdir)/policy.yaml.example

uninstall: ## what install put there; policies and the rules in force stay
	rm -f $(sbindir)/dockernft $(share)/man/man8/dockernft.8 $(unitdir)/dockernft.service
	rm -f $(unitdir)/dockernft-watch.service
	rm -f $(unitdir)/nftables.service.d/dockernft.conf
	rm -f $(share)/bash-completion/completions/dockernft $(share)/zsh/site-functions/_dockernft
	rm -f $(share)/fish/vendor_completions.d/dockernft.fish $(confdir)/policy.yaml.example

clean: ## everything that was built
	rm -rf .build .build-asan .build-fuzz

help: ## this list
	@sed -n 's/^\([a-z]*\):[^#]*## /\1\t/p' $(MAKEFILE_LIST) | expand -t 12

# Each target is one thing a person does. .ci/run is all of them in order.

GO ?= go
FUZZTIME ?= 10s
KILLS ?= 1000
RESERVATIONS ?= 50000
BENCHTIME ?= 1s
SCHEDULES ?= 100000
SEEDS ?= 100

.PHONY: build test nested race fuzz bench lint generate man verify cross smoke sheet looks crash alloc powerloss mirrorkills sim drill ci

build: ## the program, into ./tasuki
	$(GO) build -trimpath -o tasuki ./cmd/tasuki

test: ## every test that this machine can run
	$(GO) test ./...

nested: ## name every transaction that a goroutine opens inside another
	$(GO) test -tags nested -short -timeout 40m ./...

race: ## the tests that fit the race detector's pace (needs a C compiler)
	$(GO) test -race -short ./...

fuzz: ## every fuzz target for FUZZTIME
	script/fuzz $(FUZZTIME)

bench: ## every benchmark; compare two runs with benchstat
	$(GO) test -run '^$$' -bench . -benchmem -benchtime $(BENCHTIME) ./...

lint: ## format, vet, linters, known vulnerabilities
	script/lint

generate: ## rewrite generated files (some need the data archives beside the checkout)
	$(GO) generate ./...

man: ## the manual pages, into ./dist/man/man1
	$(GO) run ./cmd/tasuki man --dir dist/man/man1

verify: ## prove that generated files are current
	script/verify

cross: ## the release binaries for six platforms, into ./dist
	script/cross

smoke: ## a fresh clone, up, three questions, a second start
	script/smoke

sheet: ## a picture of every type of page, and a page with all of them, into ./sheet (Chromium)
	mkdir -p sheet
	TASUKI_SHEET=$(CURDIR)/sheet $(GO) test ./cmd/tasuki -run TestContactSheet -v -timeout 30m

looks: ## axe-core over every type of page in both languages, themes and widths (Chromium; some minutes)
	$(GO) test ./internal/edge/serve/web ./internal/edge/serve/portal -run 'TestAxe|TestAuthorityInABrowser' -timeout 1h -looks

crash: ## kill a node KILLS times at random moments, on each engine, and look what is left (half an hour each)
	$(GO) test ./cmd/tasuki -run 'TestKill9|TestTheBook' -v -timeout 4h -kills $(KILLS)

alloc: ## 64 clients reserve RESERVATIONS times on each engine at nodes that are killed meanwhile (half an hour each)
	$(GO) test ./cmd/tasuki -run TestAllocation -v -timeout 4h -reservations $(RESERVATIONS)

mirrorkills: ## kill a mirror 200 times while its source sends it something wrong now and then (some minutes)
	$(GO) test ./cmd/tasuki -run TestMirrorIsKilled -v -timeout 2h -mirror.kills 200

sim: ## the rules of continuity under faults: SCHEDULES of each mode, then each rule left out (100,000: half an hour)
	$(GO) run ./cmd/tasuki sim --seeds $(SCHEDULES)
	$(GO) run ./cmd/tasuki sim --mutants

drill: ## lose an operator SEEDS times with real processes, every second time a mirror too; goes on where it was interrupted (two hours)
	$(GO) run ./cmd/tasuki drill --seeds $(SEEDS) --minutes 1

powerloss: ## cut the power at every write and over 1,000 random subsets of unsynced ones (Linux, strace; half an hour)
	$(GO) test ./cmd/tasuki -run 'TestPowerLoss|TestMigrationsAreSynced' -v -timeout 4h -subsets 1000

ci: ## what every change must pass
	.ci/run

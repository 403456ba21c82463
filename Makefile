# What a user types; README.md says what each leaves where.
.PHONY: up down clean status build test check bench soak nightly demo rack rack-down rack-clean

NODE_MODULES := node_modules/.package-lock.json

up: build
	bin/raftsman up

down: build
	bin/raftsman down

clean: build
	bin/raftsman clean

status: build
	bin/raftsman status

demo: build
	bin/raftsman up
	bin/raftsman demo

rack: build
	bin/raftsman up --config cluster-configs/rack.yaml

rack-down: build
	bin/raftsman down --config cluster-configs/rack.yaml

rack-clean: build
	bin/raftsman clean --config cluster-configs/rack.yaml

build: $(NODE_MODULES)
	@npx --no-install tsc -b services/cli

$(NODE_MODULES): package.json package-lock.json proto/package.json $(wildcard libs/*/package.json services/*/package.json)
	npm ci
	@touch $@

check: $(NODE_MODULES)
	bash proto/generate.sh --check
	npx --no-install prettier --check --log-level warn .
	npx --no-install tsc -b
	npx --no-install oxlint --type-aware
	npx --no-install vitest run test/house

test: $(NODE_MODULES)
	bash test/prepare.sh
	npx --no-install tsc -b services/cli
	npx --no-install vitest run

bench: build
	bash test/prepare.sh
	npx --no-install vitest run --config test/bench/vitest.config.ts

# DURATION=30m (or 90s, 2h) and SEED=<number>; test/faults/README.md.
soak: build
	bash test/prepare.sh
	npx --no-install tsc -b libs/faults libs/rack
	node test/faults/soak.mjs

# Hours: ten times the seeds, every planted bug, etcdctl's minute of load, half an hour of faults.
nightly: build
	bash test/prepare.sh
	SIM_SEEDS=100000 npx --no-install vitest run test/simulation
	SABOTAGE=all npx --no-install vitest run test/faults/sabotage.test.ts
	CHECK_PERF=1 npx --no-install vitest run test/compat/etcd-etcdctl-check.test.ts
	$(MAKE) soak

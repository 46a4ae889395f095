# Thin: every recipe is one script or one cmake preset.
export CCACHE_BASEDIR := $(CURDIR)
export CCACHE_NOHASHDIR := 1
.PHONY: help deps build demo demo-stop test fuzz bench lint tidy format crds coverage readme clean
.DEFAULT_GOAL := help

help: ## show this
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1\t\2/p' Makefile | expand -t 20

deps: ## install what apt has and this machine lacks (lists it first)
	@.ci/deps all

build: ## build what ships (release preset)
	@.ci/build

demo: ## see it work: apply, snapshot, clone, restore, explain
	@.ci/demo

demo-stop: ## end a demo that DEMO_KEEP=1 left running
	@tests/e2e/demo.sh stop

test: ## build with sanitizers and run every test
	@.ci/test

fuzz: ## each fuzz target for a minute (FUZZ_SECONDS), under clang
	@.ci/fuzz

bench: ## run the benchmarks: JSON and a table beside the budgets
	@.ci/bench

lint: ## format, shell, white space; clang-tidy on the PURE folders
	@.ci/lint

tidy: ## clang-tidy on everything (slow)
	cmake --preset tidy && cmake --build --preset tidy

format: ## rewrite the sources in the house's format
	@git ls-files '*.h' '*.cc' | xargs -r clang-format-19 -i

crds: ## write crds/ from the field table
	cmake --preset dev && cmake --build --preset dev --target crds

coverage: ## line coverage; fails below 95 % in the PURE folders
	@.ci/coverage

readme: ## put the transcripts of a demo run into README.md
	@.ci/readme

clean: ## remove build/
	rm -rf build

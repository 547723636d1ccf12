#!/usr/bin/env bash
# go tool pprof reads other numbers in our export than we wrote.
# needs: go
set -eu

printf 'app;main;work;leaf 70\napp;main;work 20\napp;main;idle_[i] 10\nother;main 5\n' >in.folded
"$FLAMETAP" report -q in.folded -o out.pb.gz
export HOME=$PWD
go tool pprof -top -nodecount 10 out.pb.gz >top 2>/dev/null
grep -Eq '^ +70 +66.67% .* leaf$' top
grep -Eq ' 105 +100% +main$' top
grep -Eq '^ +10 .* idle \(inline\)$' top
go tool pprof -tags out.pb.gz >tags 2>/dev/null
grep -Eq '100\.0 \(95\.24%\): app' tags

#!/usr/bin/env bash
# manpage.sh - docs/flametap.1 formats without a warning, and names every option the program has.
. "$(dirname "$0")/lib.sh"
need groff

page=docs/flametap.1
text=$(groff -man -Tutf8 -ww -rLL=100n "$page" 2>&1 >/dev/null)
[ -z "$text" ] || report "$page: $text"
[ -s "$page" ] || report "$page: missing"

# Options as "flametap MODE --help" lists them, one a line: "  -o, --output=FILE ...".
if [ -z "${FT_LINT_ROOT:-}" ] && [ -n "${FLAMETAP:-}" ]; then
	plain=$(groff -man -Tascii -P-cbou -rLL=100n "$page" 2>/dev/null)
	for mode in cpu offcpu wakeup lock wall alloc report stack symbolize run doctor; do
		help=$("$FLAMETAP" "$mode" --help 2>&1) || report "flametap $mode --help failed"
		while IFS= read -r option; do
			grep -qE -e "(^|[^[:alnum:]-])$option([^[:alnum:]-]|\$)" <<<"$plain" ||
				report "$page: says nothing of $option of flametap $mode"
		done < <(grep -oE '^ +(-[[:alnum:]], )?--[a-z][a-z0-9-]*|^ +-[[:alnum:]]\b' <<<"$help" |
			tr -d ' ' | tr ',' '\n' | sort -u)
	done
fi
finish "manpage"

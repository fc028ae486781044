#!/usr/bin/env bash
# coverage.sh PROFILE MIN prints the covered share of all statements and fails below MIN percent.
set -euo pipefail

profile=$1
min=$2

# The last line of the listing is: total: (statements) 84.3%
total=$(go tool cover -func="$profile" | awk 'END { sub(/%/, "", $3); print $3 }')
echo "coverage of models, services and web: $total % of statements (at least $min % is asked for)"
awk -v have="$total" -v want="$min" 'BEGIN { exit !(have + 0 >= want + 0) }' || {
	echo "coverage is below $min %: go tool cover -html=$profile shows where" >&2
	exit 1
}

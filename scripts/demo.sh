#!/bin/sh
# Shows the main job of skret in a throw-away project: demo.sh PATH-OF-SKRET.
# The project and its home are removed at the end; nothing else is touched.
set -eu
skret=$(cd "$(dirname "$1")" && pwd)/$(basename "$1")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT TERM

# The demo is the same on every machine: none of your settings reach it.
for name in $(env | sed -nE 's/^((SKRET|AWS)_[A-Z0-9_]*)=.*/\1/p'); do unset "$name"; done
HOME=$work/home
PATH=$(dirname "$skret"):$PATH
export HOME PATH
mkdir -p "$HOME" "$work/shop/.git"
cd "$work/shop"

say() { printf '\n# %s\n' "$*"; }
# Shows a command line as you would type it, and runs it.
try() { printf '$ %s\n' "$1"; sh -c "$1" </dev/null; }

say "A project says where its secrets are. Here: in an encrypted file beside the code."
try 'skret init --provider local'

say "Store two secrets; the second comes through a pipe, so that no shell history has it."
try 'skret set GREETING="hello from the vault"'
try 'printf %s "postgres://shop:s3cret@db/shop" | skret set DATABASE_URL'

say "Run a command that sees them. Without skret it sees nothing."
try 'sh -c "echo greeting: \${GREETING:-none}"'
try 'skret run -- sh -c "echo greeting: \$GREETING; echo database: \$DATABASE_URL"'

say "What is there, without values; then as a file that other tools read."
try 'skret list'
try 'skret env'

say "Change one, look at its versions, and go back."
try 'skret set GREETING="good evening"'
try 'skret history GREETING'
try 'skret rollback GREETING 1 --yes'
try 'skret get GREETING'; echo

say "The file can be committed: names in clear, values sealed."
try 'cut -c 1-100 .skret.secrets.yaml | head -n 12'
try 'grep -q s3cret .skret.secrets.yaml || echo "no secret can be read in it"'

printf '\nDone. The throw-away project is removed. Next: skret init in a project of yours.\n'

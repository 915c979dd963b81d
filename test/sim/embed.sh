#!/bin/sh
# Prints a C header with a text file's contents as one string constant: embed.sh FILE NAME
set -eu
printf '/* Generated from %s. */\nstatic const char %s[] =\n' "$(basename "$1")" "$2"
sed -e 's/\\/\\\\/g' -e 's/"/\\"/g' -e 's/^/    "/' -e 's/$/\\n"/' "$1"
printf '    "";\n'

#!/bin/sh
# The bytes of a file as C initialisers, with a NUL behind them: for texts that
# a program carries inside itself. usage: embed.sh FILE > FILE.h
set -eu
od -An -v -tu1 "$1" | sed 's/[0-9][0-9]*/&,/g'
printf ' 0\n'

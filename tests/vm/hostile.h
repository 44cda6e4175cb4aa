/*
 * hostile: attempts of a program that an attacker owns, one per run. It writes
 * one line on fd 3, "name: outcome": an errno's name, or what it achieved. A
 * run that is killed says nothing, and the test sees by what.
 */
#ifndef TESTS_HOSTILE_H
#define TESTS_HOSTILE_H

enum { HOSTILE_OUT = 3, HOSTILE_TTY = 4, HOSTILE_PORT = 47113 };

/* argv: the attempt, a pid outside, a path outside that its uid may write in,
 * the name of an abstract socket that listens. */
int hostile_main(int argc, char **argv);

#endif

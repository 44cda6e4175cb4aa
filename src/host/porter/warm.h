/*
 * warm: mails of ours, which make a reader touch what real mail makes it
 * touch (converters, html, the detector, the ways of broken mail) before it
 * sees a foreign byte. A template reads all of them, a parked clone the one
 * that covers most and a few more: what ran twice is chained and has its pages,
 * what ran three times gains little.
 */
#ifndef PORTER_WARM_H
#define PORTER_WARM_H

#include "base/err.h"
#include "base/span.h"

enum { WARM_MAILS = 11, WARM_CLONE_MAILS = 4 };

/* The i-th mail of a template's, and of a clone's; static. */
struct span warm_mail(size_t i);
struct span warm_clone_mail(size_t i);

/* What a reader answered must be a valid message of its kind. 0 or -1. */
[[nodiscard]] int warm_check(struct span json, struct err *err);

#endif

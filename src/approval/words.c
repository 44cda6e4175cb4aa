/* words: the two words and the picture at the head of a card; see card.h. */
#include <assert.h>

#include "approval/card.h"
#include "base/str.h"

static const char *const words[] = {
	"acorn",   "amber",   "anchor",	 "apple",   "arrow",	"autumn",
	"badger",  "bamboo",  "basket",	 "beacon",  "birch",	"bottle",
	"branch",  "bridge",  "bronze",	 "button",  "cactus",	"candle",
	"canvas",  "carpet",  "castle",	 "cedar",   "cellar",	"cherry",
	"chisel",  "cinder",  "circle",	 "clover",  "cobalt",	"copper",
	"coral",   "cotton",  "cradle",	 "crystal", "curtain",	"cypress",
	"daisy",   "desert",  "dolphin", "drum",    "eagle",	"echo",
	"ember",   "engine",  "falcon",	 "feather", "fennel",	"ferry",
	"fiddle",  "flint",   "forest",	 "fossil",  "fountain", "garden",
	"garnet",  "ginger",  "glacier", "granite", "grape",	"gravel",
	"hammer",  "harbor",  "harvest", "hazel",   "heron",	"hollow",
	"honey",   "indigo",  "island",	 "ivory",   "jacket",	"jasmine",
	"jigsaw",  "juniper", "kettle",	 "kitten",  "ladder",	"lagoon",
	"lantern", "laurel",  "lemon",	 "linen",   "lizard",	"magnet",
	"maple",   "marble",  "meadow",	 "melon",   "mirror",	"mitten",
	"mortar",  "nectar",  "needle",	 "nickel",  "nutmeg",	"oasis",
	"olive",   "onyx",    "orchard", "otter",   "paddle",	"pebble",
	"pepper",  "pigeon",  "pillow",	 "planet",  "plum",	"pocket",
	"prairie", "pumpkin", "quartz",	 "quilt",   "rabbit",	"raven",
	"ribbon",  "river",   "rocket",	 "saddle",  "saffron",	"salmon",
	"shadow",  "silver",  "sparrow", "spruce",  "thimble",	"tiger",
	"timber",  "walnut",
};

static const char *const pictures[] = {
	"\xf0\x9f\x90\x9d", "\xf0\x9f\x90\xa2", "\xf0\x9f\x90\xac",
	"\xf0\x9f\x90\xb4", "\xf0\x9f\x90\xbc", "\xf0\x9f\xa6\x8a",
	"\xf0\x9f\xa6\x89", "\xf0\x9f\xa6\x8b", "\xf0\x9f\x8c\xb5",
	"\xf0\x9f\x8c\xb7", "\xf0\x9f\x8c\xbb", "\xf0\x9f\x8d\x80",
	"\xf0\x9f\x8d\x84", "\xf0\x9f\x8d\x89", "\xf0\x9f\x8d\x8b",
	"\xf0\x9f\x8d\x92", "\xf0\x9f\x8e\x88", "\xf0\x9f\x8e\xb2",
	"\xf0\x9f\x8e\xb8", "\xf0\x9f\x8e\xba", "\xf0\x9f\x8f\x94",
	"\xf0\x9f\x9a\x80", "\xf0\x9f\x9a\xb2", "\xe2\x9a\x93",
	"\xe2\x9b\xb5",	    "\xe2\x98\x82",	"\xf0\x9f\x94\x91",
	"\xf0\x9f\x94\x94", "\xf0\x9f\x94\xad", "\xf0\x9f\x95\xaf",
	"\xf0\x9f\xa7\xad", "\xf0\x9f\xa7\xb2",
};

static_assert(ARRAY_SIZE(words) == 128 && ARRAY_SIZE(pictures) == 32,
	      "each as likely as the others");

void card_words(const uint8_t seed[CARD_SEED], char ret[CARD_WORDS])
{
	(void)str_printf(ret, CARD_WORDS, "%s %s %s", words[seed[0] % 128],
			 words[seed[1] % 128], pictures[seed[2] % 32]);
}

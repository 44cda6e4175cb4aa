/*
 * speak: the engine of the planner local, asked once for each seed.
 *
 * usage: speak MODEL LIBRARIES SEEDS ANSWER <QUESTION
 *
 * QUESTION is {"tools": [...], "say": TEXT}. A line for each seed: what the
 * model said, as it said it. The first seed says what is likeliest, the others
 * by chance; the last line is of a second question in the same conversation.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "guest/planner/engine.h"
#include "guest/planner/grammar.h"
#include "guest/planner/prompt.h"

static const json_t *tools;

static json_t *ask(struct engine *e, const json_t *turns, const char *grammar)
{
	json_t *messages = prompt_messages("You are tested.", turns, tools);
	json_t *turn = NULL;
	struct err err = { 0 };
	CLEAN_BUF struct buf said;

	buf_init(&said, 1 << 20);
	if (engine_say(e, messages, grammar, &said, &err) < 0)
		(void)printf("failed: %s: %s\n", err.msg, buf_cstr(&said));
	else
		(void)printf("%s\n", buf_cstr(&said));
	turn = prompt_turn(buf_view(&said), 1);
	json_decref(messages);
	return turn;
}

/* Goes on with the conversation, too. */
static void twice(struct engine *e, const char *say, const char *grammar)
{
	json_t *turns = json_pack("[{s:s}]", "say", say);
	json_t *turn = ask(e, turns, grammar);

	if (turn) {
		(void)json_array_append_new(turns, turn);
		(void)json_array_append_new(
			turns, json_pack("{s:s}", "say", "Go on."));
		json_decref(ask(e, turns, grammar));
	}
	json_decref(turns);
}

static int with_seed(const struct engine_options *o, const char *say,
		     const char *grammar, bool last)
{
	struct err err = { 0 };
	struct engine *e = engine_open(o, &err);
	json_t *turns;

	if (!e) {
		(void)fprintf(stderr, "speak: %s\n", err.msg);
		return 1;
	}
	if (last) {
		twice(e, say, grammar);
	} else {
		turns = json_pack("[{s:s}]", "say", say);
		json_decref(ask(e, turns, grammar));
		json_decref(turns);
	}
	engine_close(e);
	return 0;
}

int main(int argc, char **argv)
{
	json_t *question = json_loadf(stdin, 0, NULL);
	const char *say = json_string_value(json_object_get(question, "say"));
	/* More would wait for each other where a machine is busy. */
	struct engine_options o = { .threads = 1 };
	CLEAN_BUF struct buf grammar;
	uint32_t seeds;
	int r = 0;

	buf_init(&grammar, GRAMMAR_BYTES);
	tools = json_object_get(question, "tools");
	if (argc != 5 || !say || grammar_make(tools, &grammar) < 0) {
		(void)fprintf(stderr, "speak: no question\n");
		return 2;
	}
	o.fd = open(argv[1], O_RDONLY | O_CLOEXEC);
	o.backends = argv[2];
	o.answer = (uint32_t)strtoul(argv[4], NULL, 10);
	seeds = (uint32_t)strtoul(argv[3], NULL, 10);
	for (o.seed = 0; r == 0 && o.seed < seeds; o.seed++) {
		o.temperature = o.seed ? 1 : 0;
		r = with_seed(&o, say, buf_cstr(&grammar), o.seed + 1 == seeds);
	}
	json_decref(question);
	(void)close(o.fd);
	return r;
}

/*
 * llm_tables: for tests. Without arguments it writes the tables of all formats
 * as JSON; with a path of the API it reads requests, a line each, and writes
 * for each a line: "= " and what was rebuilt of it, or "! " and where and why
 * not.
 */
#include <stdio.h>
#include <stdlib.h>

#include "base/span.h"
#include "llm.h"

enum { MOST = 4096 };

static int tables(void)
{
	int api;

	printf("{");
	for (api = 1; api < LLM_API_MAX; api++) {
		CLEAN_BUF struct buf b;

		buf_init(&b, 1 << 20);
		llm_tables((enum llm_api)api, &b);
		if (!buf_ok(&b))
			return 1;
		printf("%s\"%s\":%s", api > 1 ? "," : "",
		       llm_path((enum llm_api)api), buf_cstr(&b));
	}
	printf("}\n");
	return fflush(stdout) == 0 ? 0 : 1;
}

static int rebuild(enum llm_api api)
{
	struct llm_request r;
	char *line = NULL;
	size_t cap = 0;
	ssize_t n;

	llm_request_init(&r);
	while ((n = getline(&line, &cap, stdin)) > 0)
		if (llm_rebuild(api, span_of(line, (size_t)n), MOST, &r))
			printf("= %s\n", buf_cstr(&r.body));
		else
			printf("! %s: %s\n", r.path, r.why);
	free(line);
	llm_request_done(&r);
	return fflush(stdout) == 0 ? 0 : 1;
}

int main(int argc, char **argv)
{
	int api;

	if (argc < 2)
		return tables();
	for (api = 1; api < LLM_API_MAX; api++)
		if (!strcmp(argv[1], llm_path((enum llm_api)api)))
			return rebuild((enum llm_api)api);
	return 2;
}

/* common: see common.h. */
#include "common.h"

const struct llm_shape llm_bool = { .kinds = SHAPE_BOOL };
const struct llm_shape llm_string = { .kinds = SHAPE_STRING };
const struct llm_shape llm_strings = LIST(llm_string);
const struct llm_shape llm_json = { .kinds = SHAPE_JSON };
const struct llm_shape llm_jsons = LIST(llm_json);

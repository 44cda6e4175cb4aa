"""Goal of this test: budgets of models, whole: what a request may cost is taken
before it goes and settled by what its answer says; one that has no room does not
go, and the agent is told as its provider would tell it; a restart refills
nothing; a budget of money without a price is refused; going over one can freeze
the task."""
import json
import sys

from llm_rig import Llm, Provider, need

PRICES = 'small: {input: 3, output: 15}\n'


def used_up(kind):
    with Provider([{'text': 'Fine.', 'input': 9000, 'output': 100}]) as p:
        b = Llm(p.port, kind, budgets='{llm_tokens: 18K/day, call_usd: 0.5}',
                upstream=', tokens: 500, prices: prices.yaml', prices=PRICES)
        try:
            b.up()
            need(b.say('one', 'News.') == 'Fine.', 'within the budget it goes')
            done = b.records('model.done')[0]
            need(done['cost_millionths'] == 9000 * 3 + 100 * 15,
                 'what it has cost is on record')
            call = b.records('model.call')[0]
            need(call['tokens'] == 500 and
                 call['reserved'] == call['size'] // 2 + 1 + 500,
                 f'and what was reserved: {call}')
            p.script = [{'status': 400}]
            need('400' in b.say('two', 'News.'), 'a refused one costs nothing:')
            p.script = [{'text': 'Again.', 'input': 8800, 'output': 99}]
            need(b.say('three', 'News.') == 'Again.', 'there is room for more')
            came = len(p.came)
            b.down()
            b.up()
            answer = b.say('four', 'News.')
            need('the budget llm_tokens of 18K/day has no room' in answer and
                 len(p.came) == came,
                 f'what is over does not go, after a restart too: {answer}')
            refused = b.records('model.refused')
            need(len(refused) == 1 and 'llm_tokens' in refused[0]['why'],
                 'it was asked for once, and is on record')
        finally:
            b.down()


def cut_short():
    """An answer that ends before its end stays reserved."""
    with Provider([{'text': 'Fine, and long enough.', 'cut': 3}]) as p:
        b = Llm(p.port, 'openai', budgets='{task_tokens: 20K}',
                upstream=', tokens: 9000')
        try:
            b.up()
            p.script = [{'junk': True}]
            answer = b.say('one', 'News.')
            calls = b.records('model.call')
            taken = [c['reserved'] for c in calls]
            need(sum(taken) <= 20000 < sum(taken) + taken[0] and
                 'task_tokens' in answer,
                 f'no word of its cost: all of it ({taken}, {answer})')
            p.script = [{'text': 'Fine.'}]
            need(b.say('two', 'News.') == 'Fine.', 'of that task alone')
        finally:
            b.down()


def frozen():
    with Provider([{'text': 'Fine.'}]) as p:
        b = Llm(p.port, 'anthropic', budgets='{call_tokens: 100}',
                trip='{limits: freeze}')
        try:
            b.up()
            b.deliver('one', 'From: a@example.org\r\n\r\nNews.\r\n')
            b.item_until('one')
            trip = b.records('trip')
            need(len(trip) == 1 and trip[0]['by'] == 'limits' and
                 trip[0]['action'] == 'freeze' and not p.came,
                 f'over a budget a task is frozen: {trip}')
        finally:
            b.down()


def no_price():
    b = Llm(9, 'openai', budgets='{task_usd: 1}')
    r = b.run('up', '--images', b.images, check=False)
    need(r.returncode != 0 and 'no price of the model "small"' in r.stderr,
         f'money needs a price: {r.stderr}')
    r = b.run('--json', 'config', 'check', check=False)
    need(r.returncode != 0 and 'prices' in json.dumps(r.stdout + r.stderr),
         'config check says so, too')


if __name__ == '__main__':
    used_up('anthropic')
    used_up('openai')
    cut_short()
    frozen()
    no_price()
    sys.exit(0)

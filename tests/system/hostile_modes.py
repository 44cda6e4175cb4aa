"""The 12 kinds of hostile guests, by what is hostile about them, and for each
mode of src/guest/hostile/ what a host may call it: a fault of proto/wire.h, or
a word of the refusal. The first row of each kind is what a quick test takes."""

GROUPS = {
    'malformed-handshake': {
        'bad-mac': {'bad-mac'},
        'replay': {'bad-mac'},
        'bad-version': {'bad-version'},
        'short-ack': {'bad-payload'},
        'long-ack': {'bad-payload'},
        'oversized-ack': {'bad-length'},
        'huge-ack': {'bad-length'},
        'unknown-message': {'bad-type'},
        'reserved-bits': {'bad-type'},
        'hello-back': {'bad-order'},
        'early-ready': {'bad-order'},
        'early-frame': {'bad-length'},
        'first-word': {'bad-version', 'bad-order'},
        'second-ack': {'bad-version'},  # as a frame, which it is not
        'no-ready': {'hangup'},  # it ended before it began
        'second-ready': {'bad-order'},
        'silence': {'deadline'},
        'mute': {'deadline'},
    },
    'frame-flood': {
        'tiny-flood': {'too-much'},
        'ping-flood': {'too-much'},
        'empty-flood': {'too-much'},
        'update-flood': {'too-much'},
        'syn-flood': {'too-much'},
        'open-flood': {'too-much'},
        'second-log': {'too-much'},
    },
    'window-violation': {
        'over-window': {'bad-window'},
        'window-overflow': {'bad-window'},
        'window-too-wide': {'bad-window'},
        'oversized-frame': {'bad-length'},
        'huge-frame': {'bad-length'},
        'unknown-frame': {'bad-type'},
        'unknown-flag': {'bad-type'},
        'bad-flags': {'bad-type'},
        'frame-version': {'bad-version'},
        'unknown-service': {'bad-type'},
        'wrong-service': {'bad-type'},
        'own-reader': {'bad-stream'},
        'odd-stream': {'bad-stream'},
        'stream-again': {'bad-stream'},
        'stream-unopened': {'bad-stream'},
        'stream-zero': {'bad-stream'},
        # late frames of a stream that both have ended are dropped
        'after-fin': {'bad-stream', 'deadline'},
        'second-fin': {'bad-stream', 'deadline'},
        'pong': {'bad-order'},
        'second-go-away': {'bad-order'},
        'hello-again': {'bad-version'},
    },
    'giant-stream': {
        'giant-answer': {'too-much'},
        'giant-log': {'too-much'},
    },
    'endless-stream': {
        'drip': {'deadline'},
        'half-answer': {'deadline'},
        'no-end': {'deadline'},
        'reset-answer': {'deadline'},
    },
    'port-hangup': {
        'power-off': {'hangup'},
        'half-frame': {'hangup'},
        'half-ack': {'hangup'},
        'port-close': {'deadline', 'hangup'},
    },
    'fork-bomb': {
        'fork-bomb': {'deadline', 'hangup'},
    },
    'memory-hog': {
        'memory-hog': {'deadline', 'hangup'},
        'memory-storm': {'deadline', 'hangup'},
    },
    'spin': {
        'spin': {'deadline'},
        'spin-workload': {'deadline'},
        'port-storm': {'deadline', 'hangup'},
        'kick-storm': {'deadline', 'too-much'},
        'timer-storm': {'deadline'},
    },
    'clock-games': {
        'clock-jumps': {'deadline'},
        'clock-slews': {'deadline'},
        'clock-sleeps': {'deadline'},
        'clock-wrong': {'answered'},  # nobody believes its clock
    },
    'early-exit': {
        'early-exit': {'gave up'},
        'bad-exit': {'bad-payload'},
        'second-exit': {'gave up'},
        'empty-answer': {'JSON'},
        'rubbish': {'JSON'},
    },
    'crash-loop': {
        'crash': {'hangup'},
        'crash-fault': {'hangup'},
        'crash-hello': {'hangup'},
        'crash-boot': {'hangup'},
        # and these spoil the template already
        'template-crash': {'hangup'},
        'template-flood': {'too-much'},
        'template-silence': {'deadline'},
        'template-mute': {'deadline'},
        'template-spin': {'deadline'},
    },
}

# Hostile only where a template is made of it; mails are read by others.
TEMPLATES = ['template-crash', 'template-silence', 'template-mute',
             'template-flood', 'template-spin']

# What shows before there is a mail: an image of its own for each.
BEFORE_WORK = set(GROUPS['malformed-handshake']) | {
    'half-ack', 'crash-hello', 'crash-boot', 'template-crash',
    'template-flood', 'template-silence', 'template-mute', 'template-spin'}

# Of these no template is ever made, and each try is over soon.
NO_TEMPLATE = {'crash-boot', 'template-crash', 'template-flood'}

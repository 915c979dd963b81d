#include "hot.h"

/* An epoch of 0 is that of a thread that remembers no queue. */
struct hot hot = {.queue_epoch = 1, .is_enabled = true};

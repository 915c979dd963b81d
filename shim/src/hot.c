#include "hot.h"

struct hot hot;
_Thread_local struct hot_thread hot_thread = {.context = NO_CONTEXT};

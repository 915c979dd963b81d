/* Prints what the shim reads from its environment, a setting a line. */
#include "config.h"

#include <stdio.h>

int main(void) {
    bool inert = config_is_inert();
    config_load();
    printf("inert %d\nhas_priority %d\npriority %d\nwindow %u\nlatency_us %d\nstream_priority %d\n"
           "hardware_priority %d\nlocal_policy %d\nfail_closed %d\ngate_copies %d\nboard "
           "%d\ngate_max_ms %u\nname %s\n"
           "socket_path %s\n",
           inert, config.has_priority, config.priority, config.window,
           config.has_latency ? (int)config.latency_us : -1, config.stream_priority,
           config.hardware_priority, config.local_policy, config.fail_closed, config.gate_copies,
           config.board, config.gate_max_ms, config.name, config.socket_path);
    return 0;
}

/*
 * identity_show COMM [ARGUMENT…] prints who the shim says that the process is, after the process
 * has named itself COMM, and then random names.
 */
#include "identity.h"

#include "check.h"

#include <inttypes.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

enum { NAMES = 1000 };

int main(int argc, char **argv) {
    static struct identity self;
    CHECK(argc > 1, "usage: identity_show COMM [ARGUMENT...]");
    prctl(PR_SET_NAME, argv[1]);
    memset(&self, 0x55, sizeof(self));
    identity_read(&self);
    printf("pid %" PRIu32 "\nstart_time %" PRIu64 "\nexe %s\n", self.pid, self.start_time,
           self.exe);
    CHECK(self.pid == (uint32_t)getpid(), "the pid is %" PRIu32, self.pid);
    CHECK(strlen(self.command) < sizeof(self.command), "the command line has no end");
    printf("command %s\n", self.command);
    for (int i = 0; i < NAMES; i++) {
        char name[XSP_ROUTING_ID_BYTES + 2];
        memset(name, '#', sizeof(name));
        identity_random(name);
        CHECK(name[XSP_ROUTING_ID_BYTES] == '\0' && name[XSP_ROUTING_ID_BYTES + 1] == '#',
              "a name ends elsewhere");
        printf("%s\n", name);
    }
    /* What /proc says, for the test to compare while the process still lives. */
    char stat[1024] = "";
    FILE *file = fopen("/proc/self/stat", "re");
    CHECK(file != NULL && fgets(stat, sizeof(stat), file) != NULL, "no /proc/self/stat");
    fclose(file);
    printf("stat %s", stat);
    return 0;
}

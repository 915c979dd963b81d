/* Says "ready", waits for a line, then launches COUNT kernels of NS on one stream and waits for
 * them. busy COUNT NS */
#include <stdlib.h>

#include "client.h"

int main(int argc, char **argv) {
    struct client client;
    CUstream stream;
    if (argc != 3) {
        fprintf(stderr, "usage: busy COUNT NS\n");
        return 2;
    }
    client_start(&client);
    CHECK(cuStreamCreate(&stream, CU_STREAM_NON_BLOCKING));
    printf("ready\n");
    fflush(stdout);
    EXPECT(getchar() != EOF, 1);
    for (int i = 0; i < atoi(argv[1]); i++)
        CHECK(client_spin(&client, stream, strtoull(argv[2], NULL, 10)));
    CHECK(cuStreamSynchronize(stream));
    printf("ok\n");
    return 0;
}

/*
 * A program that makes others, in each way that there is:
 *
 *   forks work          none: uses the GPU and says what came of it
 *   forks first         a child is the first to use the GPU
 *   forks both          a child uses it, and the parent afterwards, both by functions found before
 *   forks used          the parent uses it; a child tries, and ends by exit
 *   forks exec | vfork | spawn   the parent uses it, and starts `forks work`
 *   forks daemon        a child of a child uses it, without terminal, parent or descriptors
 *   forks daemonize     the same by the parent's own exec, after the parent has used it
 *   forks crowd N       N children, while threads of the parent launch as fast as they can
 *   forks looking N     N children, each of them while another thread finds the driver's functions
 *   forks raw           a child by number of the system call, of which no handler is told
 *
 * Says what each child and it itself made of the GPU, and how each child ended.
 */
#include "work.h"

#include <dlfcn.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <spawn.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>

enum { THREADS = 3 };

static const char *program;
static atomic_bool stopped;

static void wait_for(const char *name, pid_t child) {
    int status = 0;
    CHECK(child > 0 && waitpid(child, &status, 0) == child, "no child");
    SAY("%s ended: %d\n", name, WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status));
}

static void work_in_child(const char *name) {
    pid_t child = fork();
    if (child == 0) {
        work_all(name);
        exit(3);
    }
    wait_for(name, child);
}

static void execute_work(void) {
    execl(program, program, "work", (char *)NULL);
    _exit(127);
}

static void after_use(const char *name) {
    driver_start();
    struct work_stream work = work_open();
    work_launch(&work, 10, 1000);
    pid_t child = 0;
    char *arguments[] = {(char *)program, "work", NULL};
    if (strcmp(name, "spawn") == 0) {
        CHECK(posix_spawn(&child, program, NULL, NULL, arguments, environ) == 0, "no child");
    } else if (strcmp(name, "vfork") == 0) {
        /* The very call, which programs make, however bad it is. NOLINTBEGIN */
        child = vfork();
        if (child == 0)
            execute_work();
        /* NOLINTEND */
    } else {
        child = fork();
        if (child == 0 && strcmp(name, "exec") == 0)
            execute_work();
        if (child == 0) {
            SAY("child may: %d\n", driver_mix(work.stream, 0, 1000, work.word, 1));
            exit(4);
        }
    }
    wait_for(name, child);
    work_launch(&work, 10, 1000);
    SAY("parent: %08x\n", work_read(&work));
}

/* What daemon(3) does, and a server that shuts every door behind itself. */
static void become_daemon(int report) {
    if (fork() != 0)
        _exit(0);
    CHECK(setsid() > 0, "no session");
    if (fork() != 0)
        _exit(0);
    CHECK(dup2(report, STDOUT_FILENO) == STDOUT_FILENO, "no standard output");
    CHECK(syscall(SYS_close_range, 3, ~0U, 0) == 0, "cannot close");
}

static void make_daemon(bool used) {
    if (used)
        work_all("before");
    int ends[2];
    CHECK(pipe(ends) == 0, "no pipe");
    pid_t child = fork();
    if (child == 0) {
        become_daemon(ends[1]);
        if (used)
            execute_work();
        work_all("daemon");
        exit(0);
    }
    close(ends[1]);
    wait_for("starter", child);
    char text[256];
    ssize_t count;
    while ((count = read(ends[0], text, sizeof(text))) > 0)
        CHECK(write(STDOUT_FILENO, text, (size_t)count) == count, "cannot say");
    if (!used)
        work_all("parent");
}

static void *flood(void *unused) {
    driver_join_thread();
    struct work_stream work = work_open();
    while (!atomic_load(&stopped)) {
        work_launch(&work, 1, 2000);
        if (work.launched % 64 == 0)
            work_read(&work);
    }
    return unused;
}

static void make_crowd(uint64_t count) {
    pthread_t threads[THREADS];
    driver_start();
    struct work_stream work = work_open();
    for (int i = 0; i < THREADS; i++)
        CHECK(pthread_create(&threads[i], NULL, flood, NULL) == 0, "no thread");
    uint64_t fine = 0;
    for (uint64_t i = 0; i < count; i++) {
        pid_t child = fork();
        if (child == 0) {
            if (i % 4 == 0)
                execute_work();
            CUresult result = driver_mix(work.stream, 0, 1000, work.word, 1);
            if (i % 4 == 1)
                _exit(result == CUDA_SUCCESS ? 1 : 0);
            exit(result == CUDA_SUCCESS ? 1 : 0);
        }
        int status = 0;
        CHECK(child > 0 && waitpid(child, &status, 0) == child, "no child");
        fine += WIFEXITED(status) && WEXITSTATUS(status) == 0;
    }
    atomic_store(&stopped, true);
    for (int i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    work_launch(&work, 10, 1000);
    SAY("%d children, parent: %08x\n", (int)fine, work_read(&work));
}

static atomic_bool found;

static void *look_up(void *library) {
    CHECK(dlsym(library, "cuLaunchKernel") != NULL, "the driver has no launch");
    atomic_store(&found, true);
    return NULL;
}

/* Forks until the first look-up of this process is over; some of the children are made during it.
 */
static void fork_during_look_up(void) {
    enum { CHILDREN = 64 };
    pid_t children[CHILDREN];
    int count = 0;
    pthread_t thread;
    void *library = dlopen("libcuda.so.1", RTLD_NOW);
    CHECK(pthread_create(&thread, NULL, look_up, library) == 0, "no thread");
    while (!atomic_load(&found) && count < CHILDREN) {
        pid_t child = children[count++] = fork();
        if (child == 0) {
            look_up(library);
            exit(0);
        }
    }
    pthread_join(thread, NULL);
    for (int i = 0; i < count; i++) {
        int status = 0;
        CHECK(waitpid(children[i], &status, 0) == children[i] && status == 0, "a child failed");
    }
}

static void fork_while_looking(uint64_t count) {
    uint64_t fine = 0;
    for (uint64_t i = 0; i < count; i++) {
        pid_t child = fork();
        if (child == 0) {
            fork_during_look_up();
            exit(0);
        }
        int status = 0;
        CHECK(child > 0 && waitpid(child, &status, 0) == child, "no child");
        fine += status == 0;
    }
    SAY("%d children\n", (int)fine);
}

static void clone_by_number(void) {
    driver_start();
    struct work_stream work = work_open();
    work_launch(&work, 10, 1000);
    pid_t child = (pid_t)syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0);
    if (child == 0) {
        for (int i = 0; i < 10; i++)
            DRIVER_CHECK(driver_mix(work.stream, 0, 1000, work.word, 1));
        exit(5);
    }
    wait_for("raw", child);
    /* One that does nothing but end, by the handlers that its parent registered. */
    child = (pid_t)syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0);
    if (child == 0)
        exit(6);
    wait_for("raw", child);
    work_launch(&work, 10, 1000);
    SAY("parent: %08x\n", work_read(&work));
}

int main(int count, char **words) {
    CHECK(count >= 2, "usage: forks CASE [N]");
    const char *name = words[1];
    uint64_t number = count > 2 ? check_argument(words[2]) : 0;
    program = words[0];
    if (strcmp(name, "work") == 0) {
        work_all("work");
    } else if (strcmp(name, "first") == 0) {
        work_in_child("child");
    } else if (strcmp(name, "both") == 0) {
        void *library = dlopen("libcuda.so.1", RTLD_NOW);
        look_up(library);
        work_in_child("child");
        work_all("parent");
        SAY("end\n");
    } else if (strncmp(name, "daemon", 6) == 0) {
        make_daemon(strcmp(name, "daemonize") == 0);
    } else if (strcmp(name, "crowd") == 0) {
        make_crowd(number);
    } else if (strcmp(name, "looking") == 0) {
        fork_while_looking(number);
    } else if (strcmp(name, "raw") == 0) {
        clone_by_number();
    } else {
        after_use(name);
    }
    return 0;
}

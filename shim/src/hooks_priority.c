/*
 * The making of streams, and their CUDA priorities: what the hardware is given and what the program
 * sees, as hardware.h says. A queue begins with its stream's first work, not here.
 */
#include "hooks.h"

#include "hardware.h"

#include <errno.h>

/*
 * `real` arguments: the call as the program made it. `raised` is the same with what was chosen;
 * what the driver refuses then is asked for as the program did.
 */
#define CREATE(function, wanted, of_green, parameters, arguments, raised)                          \
    EXPORT CUresult function parameters;                                                           \
    CUresult function parameters {                                                                 \
        REAL(function, parameters);                                                                \
        if (process_is_inert())                                                                    \
            return real arguments;                                                                 \
        int saved = errno;                                                                         \
        struct hardware_stream chosen, before;                                                     \
        bool is_chosen = hardware_choose(wanted, of_green, &chosen);                               \
        errno = saved;                                                                             \
        CUresult result = CUDA_ERROR_NOT_READY;                                                    \
        if (is_chosen && chosen.given != chosen.asked)                                             \
            result = raised;                                                                       \
        if (result != CUDA_SUCCESS) {                                                              \
            chosen.given = chosen.asked;                                                           \
            result = real arguments;                                                               \
        }                                                                                          \
        if (is_chosen)                                                                             \
            hardware_created(result == CUDA_SUCCESS ? *stream : NULL, &chosen);                    \
        else if (result == CUDA_SUCCESS)                                                           \
            hardware_forget(*stream, &before);                                                     \
        return result;                                                                             \
    }

/* The call that takes no priority makes streams of the default one, which is 0 to the other. */
static CUresult create_with(CUstream *stream, unsigned flags, int priority) {
    REAL(cuStreamCreateWithPriority, (CUstream *, unsigned, int));
    return real(stream, flags, priority);
}

CREATE(cuStreamCreate, 0, NULL, (CUstream * stream, unsigned flags), (stream, flags),
       create_with(stream, flags, chosen.given))
CREATE(cuStreamCreateWithPriority, priority, NULL,
       (CUstream * stream, unsigned flags, int priority), (stream, flags, priority),
       real(stream, flags, chosen.given))
CREATE(cuGreenCtxStreamCreate, priority, green,
       (CUstream * stream, CUgreenCtx green, unsigned flags, int priority),
       (stream, green, flags, priority), real(stream, green, flags, chosen.given))

#define GET_PRIORITY(function)                                                                     \
    EXPORT CUresult function(CUstream stream, int *priority);                                      \
    CUresult function(CUstream stream, int *priority) {                                            \
        REAL(function, (CUstream, int *));                                                         \
        CUresult result = real(stream, priority);                                                  \
        if (result == CUDA_SUCCESS && !process_is_inert())                                         \
            *priority = hardware_asked(stream, *priority);                                         \
        return result;                                                                             \
    }
GET_PRIORITY(cuStreamGetPriority)
GET_PRIORITY(cuStreamGetPriority_ptsz)

#define GET_ATTRIBUTE(function)                                                                    \
    EXPORT CUresult function(CUstream stream, int attribute, CUlaunchAttributeValue *value);       \
    CUresult function(CUstream stream, int attribute, CUlaunchAttributeValue *value) {             \
        REAL(function, (CUstream, int, CUlaunchAttributeValue *));                                 \
        CUresult result = real(stream, attribute, value);                                          \
        if (result == CUDA_SUCCESS && attribute == CU_LAUNCH_ATTRIBUTE_PRIORITY &&                 \
            !process_is_inert())                                                                   \
            value->priority = hardware_asked(stream, value->priority);                             \
        return result;                                                                             \
    }
GET_ATTRIBUTE(cuStreamGetAttribute)
GET_ATTRIBUTE(cuStreamGetAttribute_ptsz)

/* What the stream has in truth; `otherwise` where the driver does not tell. */
static int ask_priority(CUstream stream, int otherwise) {
    int priority = otherwise;
    if (driver.cuStreamGetPriority == NULL ||
        driver.cuStreamGetPriority(stream, &priority) != CUDA_SUCCESS)
        return otherwise;
    return priority;
}

/*
 * The program's own value first, so that the driver judges it and cuts it to its range; then what
 * was chosen for that.
 */
#define SET_ATTRIBUTE(function)                                                                    \
    EXPORT CUresult function(CUstream stream, int attribute, const CUlaunchAttributeValue *value); \
    CUresult function(CUstream stream, int attribute, const CUlaunchAttributeValue *value) {       \
        REAL(function, (CUstream, int, const CUlaunchAttributeValue *));                           \
        CUresult result = real(stream, attribute, value);                                          \
        struct hardware_stream now;                                                                \
        if (result != CUDA_SUCCESS || attribute != CU_LAUNCH_ATTRIBUTE_PRIORITY ||                 \
            process_is_inert() || !hardware_get(stream, &now))                                     \
            return result;                                                                         \
        hardware_choose_again(stream, ask_priority(stream, value->priority), &now);                \
        CUlaunchAttributeValue given = *value;                                                     \
        given.priority = now.given;                                                                \
        if (now.given != now.asked && real(stream, attribute, &given) != CUDA_SUCCESS)             \
            now.given = now.asked;                                                                 \
        hardware_change(stream, &now);                                                             \
        return result;                                                                             \
    }
SET_ATTRIBUTE(cuStreamSetAttribute)
SET_ATTRIBUTE(cuStreamSetAttribute_ptsz)

static void set_priority(CUstream stream, int priority) {
    CUresult (*set)(CUstream, int, const CUlaunchAttributeValue *) = (CUresult (*)(
        CUstream, int, const CUlaunchAttributeValue *))hook_get(HOOK_cuStreamSetAttribute);
    CUlaunchAttributeValue value = {.priority = priority};
    if (set != NULL)
        set(stream, CU_LAUNCH_ATTRIBUTE_PRIORITY, &value);
}

/*
 * The driver copies what the hardware was given, the priority with the rest; the stream is to have
 * what it would if the program had set what it sees of the other.
 */
static void note_copy(CUstream to, CUstream from) {
    struct hardware_stream source = {.asked = ask_priority(from, 0)};
    source.given = source.asked;
    bool is_raised = hardware_get(from, &source) && source.given != source.asked;
    struct hardware_stream now;
    bool is_known = hardware_get(to, &now);
    if (!is_raised && !is_known)
        return;
    /* Whether it is copied shows by the outcome; where both had the same, it is taken to be. */
    int told = ask_priority(to, source.given + 1);
    if (told != source.given)
        return;
    now.given = source.asked;
    if (is_known) {
        hardware_choose_again(to, source.asked, &now);
        hardware_change(to, &now);
    }
    if (now.given != told)
        set_priority(to, now.given);
}

#define COPY_ATTRIBUTES(function, null_stream)                                                     \
    EXPORT CUresult function(CUstream to, CUstream from);                                          \
    CUresult function(CUstream to, CUstream from) {                                                \
        REAL(function, (CUstream, CUstream));                                                      \
        CUresult result = real(to, from);                                                          \
        if (result == CUDA_SUCCESS && !process_is_inert())                                         \
            note_copy(stream_by_name(to, null_stream), stream_by_name(from, null_stream));         \
        return result;                                                                             \
    }
COPY_ATTRIBUTES(cuStreamCopyAttributes, LEGACY)
COPY_ATTRIBUTES(cuStreamCopyAttributes_ptsz, PER_THREAD)

/* What the environment asks of the simulated GPU. */
#ifndef SIM_DEVICE_SETTINGS_H
#define SIM_DEVICE_SETTINGS_H

#include "device_file.h"

struct sim_settings {
    double scale; /* XSCHED_SIM_SCALE: real ns for each simulated ns, 0.01 to 10000 */
    bool scale_given;
    uint32_t devices; /* XSCHED_SIM_DEVICES: 1 to SIM_MAX_DEVICES */
    bool devices_given;
    uint32_t mps; /* XSCHED_SIM_MPS: 0 or 1 */
    bool mps_given;
    uint32_t jitter; /* XSCHED_SIM_JITTER: 0 or 1; 1 unless told */
    bool jitter_given;
    uint32_t context_ms; /* XSCHED_SIM_CONTEXT_MS: 0 to 10000 simulated ms */
    bool context_ms_given;
};

/* Reads the environment; false, with a message, where a value is none. */
bool settings_read(struct sim_settings *settings);

/* False, with a message, where the environment asks for something that the file was not made with.
 * What the environment leaves out agrees with everything. */
bool settings_agree(const struct sim_settings *settings, const struct sim_file *file,
                    const char *path);

/* Makes the folder of the device file and writes the file's path. */
bool settings_folder_make(char *path, unsigned long size);

#endif

/* Modules and kernels. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api.h"
#include "memory.h"
#include "ptx.h"

struct module {
    void *handle;
    struct context *context;
    struct ptx ptx;
    struct function *functions; /* one for each of the module's kernels */
};

static CUresult globals_allocate(struct module *module) {
    for (int i = 0; i < module->ptx.global_count; i++) {
        struct ptx_global *global = &module->ptx.globals[i];
        CUresult result =
            memory_allocate(module->context, MEMORY_DEVICE, global->size, &global->address);
        if (result != CUDA_SUCCESS)
            return result;
    }
    return CUDA_SUCCESS;
}

static void module_free(struct module *module) {
    for (int i = 0; i < module->ptx.global_count; i++)
        if (module->ptx.globals[i].address)
            memory_free_now(module->ptx.globals[i].address);
    for (int i = 0; module->functions && i < module->ptx.kernel_count; i++)
        if (module->functions[i].handle)
            handle_drop(module->functions[i].handle);
    if (module->handle)
        handle_drop(module->handle);
    ptx_free(&module->ptx);
    free(module->functions);
    free(module);
}

static CUresult functions_make(struct module *module) {
    module->functions = calloc((size_t)module->ptx.kernel_count + 1, sizeof *module->functions);
    if (!module->functions)
        return CUDA_ERROR_OUT_OF_MEMORY;
    for (int i = 0; i < module->ptx.kernel_count; i++) {
        struct function *function = &module->functions[i];
        function->module = module;
        function->context = module->context;
        function->kernel = &module->ptx.kernels[i];
        function->handle = handle_make(HANDLE_FUNCTION, function);
        if (!function->handle)
            return CUDA_ERROR_OUT_OF_MEMORY;
    }
    return CUDA_SUCCESS;
}

CU_EXPORT CUresult cuModuleLoadData(CUmodule *handle, const void *image) {
    struct context *context;
    CUresult result = context_current(&context);
    if (result == CUDA_SUCCESS && (!handle || !image))
        result = CUDA_ERROR_INVALID_VALUE;
    if (result == CUDA_SUCCESS)
        result = capture_check_unsafe(NULL);
    if (result != CUDA_SUCCESS)
        return result;
    const unsigned char *bytes = image;
    if ((bytes[0] == 0x7f && bytes[1] == 'E') || bytes[0] == 0x50 || bytes[0] >= 0x80) {
        fprintf(stderr, "simulated GPU: a module is machine code; only PTX text can be loaded\n");
        return CUDA_ERROR_INVALID_IMAGE;
    }
    struct module *module = calloc(1, sizeof *module);
    if (!module)
        return CUDA_ERROR_OUT_OF_MEMORY;
    module->context = context;
    char message[256];
    if (!ptx_parse(image, &module->ptx, message, sizeof message)) {
        fprintf(stderr, "simulated GPU: %s\n", message);
        module_free(module);
        return CUDA_ERROR_INVALID_PTX;
    }
    result = globals_allocate(module);
    if (result == CUDA_SUCCESS)
        result = functions_make(module);
    if (result == CUDA_SUCCESS) {
        module->handle = handle_make(HANDLE_MODULE, module);
        result = module->handle ? CUDA_SUCCESS : CUDA_ERROR_OUT_OF_MEMORY;
    }
    if (result != CUDA_SUCCESS) {
        module_free(module);
        return result;
    }
    *handle = module->handle;
    return CUDA_SUCCESS;
}

CU_EXPORT CUresult cuModuleLoadDataEx(CUmodule *handle, const void *image, unsigned count,
                                      int *options, void **values) {
    (void)options;
    (void)values;
    (void)count; /* what the assembler is asked for means nothing here */
    return cuModuleLoadData(handle, image);
}

CU_EXPORT CUresult cuModuleUnload(CUmodule handle) {
    struct context *context;
    CUresult result = context_current(&context);
    if (result != CUDA_SUCCESS)
        return result;
    struct module *module = handle_find(HANDLE_MODULE, handle);
    if (!module)
        return CUDA_ERROR_INVALID_HANDLE;
    result = queue_wait_context(module->context);
    module_free(module);
    return result;
}

CU_EXPORT CUresult cuModuleGetFunction(CUfunction *function, CUmodule handle, const char *name) {
    struct context *context;
    CUresult result = context_current(&context);
    if (result != CUDA_SUCCESS)
        return result;
    struct module *module = handle_find(HANDLE_MODULE, handle);
    if (!module)
        return CUDA_ERROR_INVALID_HANDLE;
    if (!function || !name)
        return CUDA_ERROR_INVALID_VALUE;
    for (int i = 0; i < module->ptx.kernel_count; i++)
        if (strcmp(module->ptx.kernels[i].name, name) == 0) {
            *function = module->functions[i].handle;
            return CUDA_SUCCESS;
        }
    return CUDA_ERROR_NOT_FOUND;
}

CU_EXPORT CUresult cuModuleGetGlobal_v2(CUdeviceptr *address, size_t *size, CUmodule handle,
                                        const char *name) {
    struct context *context;
    CUresult result = context_current(&context);
    if (result != CUDA_SUCCESS)
        return result;
    struct module *module = handle_find(HANDLE_MODULE, handle);
    if (!module)
        return CUDA_ERROR_INVALID_HANDLE;
    if (!name)
        return CUDA_ERROR_INVALID_VALUE;
    for (int i = 0; i < module->ptx.global_count; i++)
        if (strcmp(module->ptx.globals[i].name, name) == 0) {
            if (address)
                *address = module->ptx.globals[i].address;
            if (size)
                *size = module->ptx.globals[i].size;
            return CUDA_SUCCESS;
        }
    return CUDA_ERROR_NOT_FOUND;
}

CU_EXPORT CUresult cuFuncGetAttribute(int *value, int attribute, CUfunction handle) {
    struct context *context;
    CUresult result = context_current(&context);
    if (result != CUDA_SUCCESS)
        return result;
    if (!handle_find(HANDLE_FUNCTION, handle))
        return CUDA_ERROR_INVALID_HANDLE;
    if (!value || attribute < 0 || attribute > 16)
        return CUDA_ERROR_INVALID_VALUE;
    /* Of the attributes only the block's limit, the registers and the versions are not zero. */
    static const int values[17] = {[0] = 1024, [4] = 16, [5] = 90, [6] = 90};
    *value = values[attribute];
    return CUDA_SUCCESS;
}

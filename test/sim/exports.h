/* Every function that cuGetProcAddress knows: name, CUDA version from which this form is what the
 * name means, the exported symbol, and the symbol for programs whose default stream is per thread.
 */
#ifndef SIM_EXPORTS_H
#define SIM_EXPORTS_H

/* A driver that is ahead of every program: see future/future.c. */
#ifdef SIM_FUTURE
#define SIM_FUTURE_EXPORTS                                                                         \
    SIM_EXPORT(cuLaunchAhead, 12000, cuLaunchAhead_v2, cuLaunchAhead_v2)                           \
    SIM_EXPORT(cuDeviceGetAhead, 12000, cuDeviceGetAhead, cuDeviceGetAhead)
#else
#define SIM_FUTURE_EXPORTS
#endif

#define SAME(name, version, symbol) SIM_EXPORT(name, version, symbol, symbol)

#define SIM_EXPORTS                                                                                \
    SIM_FUTURE_EXPORTS                                                                             \
    SAME(cuInit, 2000, cuInit)                                                                     \
    SAME(cuDriverGetVersion, 2020, cuDriverGetVersion)                                             \
    SAME(cuGetErrorName, 6000, cuGetErrorName)                                                     \
    SAME(cuGetErrorString, 6000, cuGetErrorString)                                                 \
    SAME(cuGetProcAddress, 11030, cuGetProcAddress)                                                \
    SAME(cuGetProcAddress, 12000, cuGetProcAddress_v2)                                             \
    SAME(cuGetExportTable, 3000, cuGetExportTable)                                                 \
    SAME(cuDeviceGet, 2000, cuDeviceGet)                                                           \
    SAME(cuDeviceGetCount, 2000, cuDeviceGetCount)                                                 \
    SAME(cuDeviceGetName, 2000, cuDeviceGetName)                                                   \
    SAME(cuDeviceGetAttribute, 2000, cuDeviceGetAttribute)                                         \
    SAME(cuDeviceGetUuid, 9020, cuDeviceGetUuid)                                                   \
    SAME(cuDeviceGetUuid, 11040, cuDeviceGetUuid_v2)                                               \
    SAME(cuDeviceTotalMem, 3020, cuDeviceTotalMem_v2)                                              \
    SAME(cuDeviceGetPCIBusId, 4010, cuDeviceGetPCIBusId)                                           \
    SAME(cuDevicePrimaryCtxRetain, 7000, cuDevicePrimaryCtxRetain)                                 \
    SAME(cuDevicePrimaryCtxRelease, 7000, cuDevicePrimaryCtxRelease)                               \
    SAME(cuDevicePrimaryCtxRelease, 11000, cuDevicePrimaryCtxRelease_v2)                           \
    SAME(cuDevicePrimaryCtxReset, 7000, cuDevicePrimaryCtxReset)                                   \
    SAME(cuDevicePrimaryCtxReset, 11000, cuDevicePrimaryCtxReset_v2)                               \
    SAME(cuDevicePrimaryCtxSetFlags, 7000, cuDevicePrimaryCtxSetFlags)                             \
    SAME(cuDevicePrimaryCtxSetFlags, 11000, cuDevicePrimaryCtxSetFlags_v2)                         \
    SAME(cuDevicePrimaryCtxGetState, 7000, cuDevicePrimaryCtxGetState)                             \
    SAME(cuCtxCreate, 3020, cuCtxCreate_v2)                                                        \
    SAME(cuCtxCreate, 11040, cuCtxCreate_v3)                                                       \
    SAME(cuCtxCreate, 12050, cuCtxCreate_v4)                                                       \
    SAME(cuCtxDestroy, 2000, cuCtxDestroy)                                                         \
    SAME(cuCtxDestroy, 4000, cuCtxDestroy_v2)                                                      \
    SAME(cuCtxPushCurrent, 2000, cuCtxPushCurrent)                                                 \
    SAME(cuCtxPushCurrent, 4000, cuCtxPushCurrent_v2)                                              \
    SAME(cuCtxPopCurrent, 2000, cuCtxPopCurrent)                                                   \
    SAME(cuCtxPopCurrent, 4000, cuCtxPopCurrent_v2)                                                \
    SAME(cuCtxSetCurrent, 4000, cuCtxSetCurrent)                                                   \
    SAME(cuCtxGetCurrent, 4000, cuCtxGetCurrent)                                                   \
    SAME(cuCtxGetDevice, 2000, cuCtxGetDevice)                                                     \
    SAME(cuCtxGetFlags, 7000, cuCtxGetFlags)                                                       \
    SAME(cuCtxGetId, 12000, cuCtxGetId)                                                            \
    SAME(cuCtxGetApiVersion, 3020, cuCtxGetApiVersion)                                             \
    SAME(cuCtxSynchronize, 2000, cuCtxSynchronize)                                                 \
    SAME(cuCtxGetStreamPriorityRange, 5050, cuCtxGetStreamPriorityRange)                           \
    SAME(cuDeviceGetDevResource, 12040, cuDeviceGetDevResource)                                    \
    SAME(cuCtxGetDevResource, 12040, cuCtxGetDevResource)                                          \
    SAME(cuGreenCtxGetDevResource, 12040, cuGreenCtxGetDevResource)                                \
    SAME(cuDevSmResourceSplitByCount, 12040, cuDevSmResourceSplitByCount)                          \
    SAME(cuDevResourceGenerateDesc, 12040, cuDevResourceGenerateDesc)                              \
    SAME(cuGreenCtxCreate, 12040, cuGreenCtxCreate)                                                \
    SAME(cuGreenCtxDestroy, 12040, cuGreenCtxDestroy)                                              \
    SAME(cuCtxFromGreenCtx, 12040, cuCtxFromGreenCtx)                                              \
    SAME(cuGreenCtxRecordEvent, 12040, cuGreenCtxRecordEvent)                                      \
    SAME(cuGreenCtxWaitEvent, 12040, cuGreenCtxWaitEvent)                                          \
    SAME(cuGreenCtxStreamCreate, 12040, cuGreenCtxStreamCreate)                                    \
    SAME(cuStreamGetGreenCtx, 12040, cuStreamGetGreenCtx)                                          \
    SAME(cuModuleLoadData, 2000, cuModuleLoadData)                                                 \
    SAME(cuModuleLoadDataEx, 2010, cuModuleLoadDataEx)                                             \
    SAME(cuModuleUnload, 2000, cuModuleUnload)                                                     \
    SAME(cuModuleGetFunction, 2000, cuModuleGetFunction)                                           \
    SAME(cuModuleGetGlobal, 3020, cuModuleGetGlobal_v2)                                            \
    SAME(cuFuncGetAttribute, 2020, cuFuncGetAttribute)                                             \
    SAME(cuStreamCreate, 2000, cuStreamCreate)                                                     \
    SAME(cuStreamCreateWithPriority, 5050, cuStreamCreateWithPriority)                             \
    SAME(cuStreamDestroy, 2000, cuStreamDestroy)                                                   \
    SAME(cuStreamDestroy, 4000, cuStreamDestroy_v2)                                                \
    SAME(cuThreadExchangeStreamCaptureMode, 10010, cuThreadExchangeStreamCaptureMode)              \
    SAME(cuEventCreate, 2000, cuEventCreate)                                                       \
    SAME(cuEventDestroy, 2000, cuEventDestroy)                                                     \
    SAME(cuEventDestroy, 4000, cuEventDestroy_v2)                                                  \
    SAME(cuEventQuery, 2000, cuEventQuery)                                                         \
    SAME(cuEventSynchronize, 2000, cuEventSynchronize)                                             \
    SAME(cuEventElapsedTime, 2000, cuEventElapsedTime)                                             \
    SAME(cuEventElapsedTime, 12080, cuEventElapsedTime_v2)                                         \
    SAME(cuMemAlloc, 3020, cuMemAlloc_v2)                                                          \
    SAME(cuMemFree, 3020, cuMemFree_v2)                                                            \
    SAME(cuMemAllocHost, 3020, cuMemAllocHost_v2)                                                  \
    SAME(cuMemHostAlloc, 2020, cuMemHostAlloc)                                                     \
    SAME(cuMemFreeHost, 2000, cuMemFreeHost)                                                       \
    SAME(cuMemHostGetDevicePointer, 3020, cuMemHostGetDevicePointer_v2)                            \
    SAME(cuMemGetInfo, 3020, cuMemGetInfo_v2)                                                      \
    SAME(cuMemAllocManaged, 6000, cuMemAllocManaged)                                               \
    SAME(cuGraphCreate, 10000, cuGraphCreate)                                                      \
    SAME(cuGraphDestroy, 10000, cuGraphDestroy)                                                    \
    SAME(cuGraphGetNodes, 10000, cuGraphGetNodes)                                                  \
    SAME(cuGraphNodeGetType, 10000, cuGraphNodeGetType)                                            \
    SAME(cuGraphAddKernelNode, 10000, cuGraphAddKernelNode)                                        \
    SAME(cuGraphAddKernelNode, 12000, cuGraphAddKernelNode_v2)                                     \
    SAME(cuGraphInstantiate, 10000, cuGraphInstantiate)                                            \
    SAME(cuGraphInstantiate, 11000, cuGraphInstantiate_v2)                                         \
    SAME(cuGraphInstantiate, 12000, cuGraphInstantiateWithFlags)                                   \
    SAME(cuGraphInstantiateWithFlags, 11040, cuGraphInstantiateWithFlags)                          \
    SAME(cuGraphExecDestroy, 10000, cuGraphExecDestroy)                                            \
    SAME(cuGraphExecUpdate, 10020, cuGraphExecUpdate)                                              \
    SAME(cuGraphExecUpdate, 12000, cuGraphExecUpdate_v2)                                           \
    SIM_STREAM_EXPORTS

/* These take a stream, or use the default one. */
#define TWIN(name, version) SIM_EXPORT(name, version, name, name##_ptsz)
#define SIM_STREAM_EXPORTS                                                                         \
    TWIN(cuStreamGetPriority, 5050)                                                                \
    TWIN(cuStreamGetAttribute, 11000)                                                              \
    TWIN(cuStreamSetAttribute, 11000)                                                              \
    TWIN(cuStreamCopyAttributes, 11000)                                                            \
    TWIN(cuStreamGetFlags, 5050)                                                                   \
    TWIN(cuStreamGetId, 12000)                                                                     \
    SIM_EXPORT(cuStreamGetCtx, 12050, cuStreamGetCtx_v2, cuStreamGetCtx_v2_ptsz)                   \
    TWIN(cuStreamGetCtx, 9020)                                                                     \
    TWIN(cuStreamWaitEvent, 3020)                                                                  \
    TWIN(cuStreamAddCallback, 5000)                                                                \
    TWIN(cuStreamQuery, 2000)                                                                      \
    TWIN(cuStreamSynchronize, 2000)                                                                \
    TWIN(cuStreamBeginCapture, 10000)                                                              \
    SIM_EXPORT(cuStreamBeginCapture, 10010, cuStreamBeginCapture_v2, cuStreamBeginCapture_v2_ptsz) \
    TWIN(cuStreamEndCapture, 10000)                                                                \
    TWIN(cuStreamIsCapturing, 10000)                                                               \
    TWIN(cuStreamGetCaptureInfo, 10010)                                                            \
    SIM_EXPORT(cuStreamGetCaptureInfo, 11030, cuStreamGetCaptureInfo_v2,                           \
               cuStreamGetCaptureInfo_v2_ptsz)                                                     \
    TWIN(cuStreamWriteValue32, 8000)                                                               \
    SIM_EXPORT(cuStreamWriteValue32, 11070, cuStreamWriteValue32_v2, cuStreamWriteValue32_v2_ptsz) \
    TWIN(cuStreamWaitValue32, 8000)                                                                \
    SIM_EXPORT(cuStreamWaitValue32, 11070, cuStreamWaitValue32_v2, cuStreamWaitValue32_v2_ptsz)    \
    TWIN(cuStreamWriteValue64, 9000)                                                               \
    SIM_EXPORT(cuStreamWriteValue64, 11070, cuStreamWriteValue64_v2, cuStreamWriteValue64_v2_ptsz) \
    TWIN(cuStreamWaitValue64, 9000)                                                                \
    SIM_EXPORT(cuStreamWaitValue64, 11070, cuStreamWaitValue64_v2, cuStreamWaitValue64_v2_ptsz)    \
    TWIN(cuStreamBatchMemOp, 8000)                                                                 \
    SIM_EXPORT(cuStreamBatchMemOp, 11070, cuStreamBatchMemOp_v2, cuStreamBatchMemOp_v2_ptsz)       \
    TWIN(cuEventRecord, 2000)                                                                      \
    TWIN(cuEventRecordWithFlags, 11010)                                                            \
    TWIN(cuLaunchKernel, 4000)                                                                     \
    TWIN(cuLaunchKernelEx, 11060)                                                                  \
    TWIN(cuLaunchCooperativeKernel, 9000)                                                          \
    TWIN(cuLaunchHostFunc, 10000)                                                                  \
    TWIN(cuMemAllocAsync, 11020)                                                                   \
    TWIN(cuMemFreeAsync, 11020)                                                                    \
    TWIN(cuMemcpyAsync, 4000)                                                                      \
    TWIN(cuMemsetD8Async, 3020)                                                                    \
    TWIN(cuMemsetD32Async, 3020)                                                                   \
    TWIN(cuGraphLaunch, 10000)                                                                     \
    TWIN(cuGraphUpload, 11010)                                                                     \
    SIM_EXPORT(cuMemcpyHtoDAsync, 3020, cuMemcpyHtoDAsync_v2, cuMemcpyHtoDAsync_v2_ptsz)           \
    SIM_EXPORT(cuMemcpyDtoHAsync, 3020, cuMemcpyDtoHAsync_v2, cuMemcpyDtoHAsync_v2_ptsz)           \
    SIM_EXPORT(cuMemcpyDtoDAsync, 3020, cuMemcpyDtoDAsync_v2, cuMemcpyDtoDAsync_v2_ptsz)           \
    SIM_EXPORT(cuMemcpyHtoD, 3020, cuMemcpyHtoD_v2, cuMemcpyHtoD_v2_ptds)                          \
    SIM_EXPORT(cuMemcpyDtoH, 3020, cuMemcpyDtoH_v2, cuMemcpyDtoH_v2_ptds)                          \
    SIM_EXPORT(cuMemcpyDtoD, 3020, cuMemcpyDtoD_v2, cuMemcpyDtoD_v2_ptds)                          \
    SIM_EXPORT(cuMemcpy, 4000, cuMemcpy, cuMemcpy_ptds)                                            \
    SIM_EXPORT(cuMemsetD8, 3020, cuMemsetD8_v2, cuMemsetD8_v2_ptds)                                \
    SIM_EXPORT(cuMemsetD16, 3020, cuMemsetD16_v2, cuMemsetD16_v2_ptds)                             \
    SIM_EXPORT(cuMemsetD32, 3020, cuMemsetD32_v2, cuMemsetD32_v2_ptds)                             \
    SIM_EXPORT(cuMemcpyPeer, 4000, cuMemcpyPeer, cuMemcpyPeer_ptds)                                \
    TWIN(cuMemcpyPeerAsync, 4000)                                                                  \
    TWIN(cuMemsetD16Async, 3020)                                                                   \
    TWIN(cuMemcpyBatchAsync, 12080)                                                                \
    TWIN(cuMemPrefetchAsync, 8000)                                                                 \
    SIM_EXPORT(cuMemPrefetchAsync, 12020, cuMemPrefetchAsync_v2, cuMemPrefetchAsync_v2_ptsz)       \
    SIM_PITCHED_EXPORTS

/* Of two and three dimensions. */
#define SIM_PITCHED_EXPORTS                                                                        \
    SIM_EXPORT(cuMemcpy2D, 3020, cuMemcpy2D_v2, cuMemcpy2D_v2_ptds)                                \
    SIM_EXPORT(cuMemcpy2DUnaligned, 3020, cuMemcpy2DUnaligned_v2, cuMemcpy2DUnaligned_v2_ptds)     \
    SIM_EXPORT(cuMemcpy2DAsync, 3020, cuMemcpy2DAsync_v2, cuMemcpy2DAsync_v2_ptsz)                 \
    SIM_EXPORT(cuMemcpy3D, 3020, cuMemcpy3D_v2, cuMemcpy3D_v2_ptds)                                \
    SIM_EXPORT(cuMemcpy3DAsync, 3020, cuMemcpy3DAsync_v2, cuMemcpy3DAsync_v2_ptsz)                 \
    SIM_EXPORT(cuMemcpy3DPeer, 4000, cuMemcpy3DPeer, cuMemcpy3DPeer_ptds)                          \
    TWIN(cuMemcpy3DPeerAsync, 4000)                                                                \
    SIM_EXPORT(cuMemsetD2D8, 3020, cuMemsetD2D8_v2, cuMemsetD2D8_v2_ptds)                          \
    SIM_EXPORT(cuMemsetD2D16, 3020, cuMemsetD2D16_v2, cuMemsetD2D16_v2_ptds)                       \
    SIM_EXPORT(cuMemsetD2D32, 3020, cuMemsetD2D32_v2, cuMemsetD2D32_v2_ptds)                       \
    TWIN(cuMemsetD2D8Async, 3020)                                                                  \
    TWIN(cuMemsetD2D16Async, 3020)                                                                 \
    TWIN(cuMemsetD2D32Async, 3020)

#endif

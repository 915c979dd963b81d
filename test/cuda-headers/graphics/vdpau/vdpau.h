/* What the driver's headers need of this one: so that they can be read where it is missing. */
typedef unsigned VdpDevice, VdpFuncId, VdpOutputSurface, VdpVideoSurface;
typedef int VdpStatus;
typedef VdpStatus VdpGetProcAddress(VdpDevice device, VdpFuncId function, void **pointer);

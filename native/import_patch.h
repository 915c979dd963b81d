#ifndef XSCHED_NATIVE_IMPORT_PATCH_H
#define XSCHED_NATIVE_IMPORT_PATCH_H

namespace xsched {

/// Makes one loaded library call `replacement` instead of the function `name` that it imports, by
/// writing to its table of imports (GOT). Other libraries go on calling the original.
///
/// Does nothing the second time. The caller sees to it that `replacement` stays loaded.
///
/// @param marker a symbol that this library defines, and no other
/// @return false when no library defines the marker, or it does not import the function by name
bool ReplaceImport(const char *marker, const char *name, void *replacement);

} // namespace xsched

#endif

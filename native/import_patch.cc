#include "import_patch.h"
#include <cstdint>
#include <cstring>
#include <dlfcn.h>
#include <link.h>
#include <string>
#include <sys/mman.h>
#include <unistd.h>
#include <vector>

namespace xsched {

namespace {

#if defined(__x86_64__)
constexpr uint32_t kJumpSlot = R_X86_64_JUMP_SLOT;
constexpr uint32_t kGlobalData = R_X86_64_GLOB_DAT;
#elif defined(__aarch64__)
constexpr uint32_t kJumpSlot = R_AARCH64_JUMP_SLOT;
constexpr uint32_t kGlobalData = R_AARCH64_GLOB_DAT;
#else
#error "the relocations of this processor are not known"
#endif

struct Library {
    std::string path;
    ElfW(Addr) base;
    const ElfW(Phdr) * headers;
    size_t header_count;
};

int Collect(dl_phdr_info *info, size_t, void *libraries) {
    static_cast<std::vector<Library> *>(libraries)->push_back(
        {info->dlpi_name, info->dlpi_addr, info->dlpi_phdr, info->dlpi_phnum});
    return 0;
}

/// Whether the symbol is the library's own, and not one of a library that it needs.
bool Defines(const Library &library, const char *symbol) {
    // The program itself has no name, and is never the one that is looked for.
    if (library.path.empty()) {
        return false;
    }
    void *handle = dlopen(library.path.c_str(), RTLD_LAZY | RTLD_NOLOAD);
    if (handle == nullptr) {
        return false;
    }
    Dl_info where{};
    void *address = dlsym(handle, symbol);
    bool found = address != nullptr && dladdr(address, &where) != 0 &&
                 reinterpret_cast<ElfW(Addr)>(where.dli_fbase) == library.base;
    dlclose(handle);
    return found;
}

/// The tables of a library that its imports are described in.
struct Imports {
    const ElfW(Sym) *symbols = nullptr;
    const char *names = nullptr;
    const ElfW(Rela) * tables[2] = {nullptr, nullptr};
    size_t counts[2] = {0, 0};
};

Imports FindImports(const Library &library) {
    Imports imports;
    const ElfW(Dyn) *entry = nullptr;
    for (size_t i = 0; i < library.header_count; i++) {
        if (library.headers[i].p_type == PT_DYNAMIC) {
            entry = reinterpret_cast<const ElfW(Dyn) *>(library.base + library.headers[i].p_vaddr);
        }
    }
    for (; entry != nullptr && entry->d_tag != DT_NULL; entry++) {
        // glibc has made addresses of these in place, musl leaves them as they are in the file.
        ElfW(Addr) address = entry->d_un.d_ptr;
        if (address < library.base) {
            address += library.base;
        }
        switch (entry->d_tag) {
        case DT_SYMTAB:
            imports.symbols = reinterpret_cast<const ElfW(Sym) *>(address);
            break;
        case DT_STRTAB:
            imports.names = reinterpret_cast<const char *>(address);
            break;
        case DT_JMPREL:
            imports.tables[0] = reinterpret_cast<const ElfW(Rela) *>(address);
            break;
        case DT_PLTRELSZ:
            imports.counts[0] = entry->d_un.d_val / sizeof(ElfW(Rela));
            break;
        case DT_RELA:
            imports.tables[1] = reinterpret_cast<const ElfW(Rela) *>(address);
            break;
        case DT_RELASZ:
            imports.counts[1] = entry->d_un.d_val / sizeof(ElfW(Rela));
            break;
        default:
            break;
        }
    }
    return imports;
}

/// Whether the loader made this address read-only after it had filled it in.
bool IsReadOnly(const Library &library, ElfW(Addr) address) {
    for (size_t i = 0; i < library.header_count; i++) {
        const ElfW(Phdr) &header = library.headers[i];
        ElfW(Addr) begin = library.base + header.p_vaddr;
        if (header.p_type == PT_GNU_RELRO && address >= begin && address < begin + header.p_memsz) {
            return true;
        }
    }
    return false;
}

bool Write(const Library &library, ElfW(Addr) address, void *value) {
    auto size = static_cast<ElfW(Addr)>(sysconf(_SC_PAGESIZE));
    void *page = reinterpret_cast<void *>(address & ~(size - 1));
    bool locked = IsReadOnly(library, address);
    if (locked && mprotect(page, size, PROT_READ | PROT_WRITE) != 0) {
        return false;
    }
    // Other threads may be calling by way of it right now.
    __atomic_store_n(reinterpret_cast<void **>(address), value, __ATOMIC_RELEASE);
    if (locked) {
        mprotect(page, size, PROT_READ);
    }
    return true;
}

bool Patch(const Library &library, const char *name, void *replacement) {
    Imports imports = FindImports(library);
    if (imports.symbols == nullptr || imports.names == nullptr) {
        return false;
    }
    bool done = false;
    for (int table = 0; table < 2; table++) {
        for (size_t i = 0; imports.tables[table] != nullptr && i < imports.counts[table]; i++) {
            const ElfW(Rela) &entry = imports.tables[table][i];
            uint32_t type = ELF64_R_TYPE(entry.r_info);
            const ElfW(Sym) &symbol = imports.symbols[ELF64_R_SYM(entry.r_info)];
            if ((type == kJumpSlot || type == kGlobalData) &&
                std::strcmp(imports.names + symbol.st_name, name) == 0) {
                done = Write(library, library.base + entry.r_offset, replacement) || done;
            }
        }
    }
    return done;
}

} // namespace

bool ReplaceImport(const char *marker, const char *name, void *replacement) {
    std::vector<Library> libraries;
    dl_iterate_phdr(Collect, &libraries);
    for (const Library &library : libraries) {
        if (Defines(library, marker)) {
            return Patch(library, name, replacement);
        }
    }
    return false;
}

} // namespace xsched

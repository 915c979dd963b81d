import { runProgram } from './compiler.js';
import type { Declarations } from './declarations.js';
import { headerFlags, type Toolkit } from './headers.js';

/** What a compiler makes of declarations, as text that can be compared. */
export interface Measures {
  /**
   * By a function's place in the list that was asked for: the type of its result, then those of its
   * parameters. A type is "kind:bytes"; with a pointer what it points to follows: "?" for `void`, a
   * type, "function", "aggregate" for a structure, or "handle TAG" for one that nobody declares.
   */
  readonly functions: ReadonlyMap<string, readonly string[]>;
  /** Sizes in bytes, of structures by their names. */
  readonly sizes: ReadonlyMap<string, string>;
  /** Offsets in bytes, by "structure.field"; a field that the structure lacks is not in here. */
  readonly offsets: ReadonlyMap<string, string>;
  /** The types of the same fields. */
  readonly fields: ReadonlyMap<string, string>;
  readonly constants: ReadonlyMap<string, string>;
}

const PRELUDE = `
#include <cstddef>
#include <cstdio>
#include <cstring>
#include <type_traits>

template <class T, class = void> struct is_complete : std::false_type {};
template <class T> struct is_complete<T, decltype(void(sizeof(T)))> : std::true_type {};

template <class T> void show_type();

/* Compilers name the type in the function's own name: "... T = CUstream_st]". */
template <class T> void show_handle() {
    const char *name = std::strstr(__PRETTY_FUNCTION__, "T = ") + 4;
    std::printf("handle %.*s", (int)std::strcspn(name, ";]"), name);
}

template <class T> void show_target() {
    if constexpr (std::is_void_v<T>)
        std::printf("?");
    else if constexpr (std::is_function_v<T>)
        std::printf("function");
    else if constexpr (!is_complete<T>::value)
        show_handle<T>();
    else if constexpr (std::is_class_v<T> || std::is_union_v<T>)
        std::printf("aggregate");
    else
        show_type<T>();
}

template <class T> void show_type() {
    const char *kind = "aggregate";
    if (std::is_pointer_v<T>)
        kind = "pointer";
    else if (std::is_floating_point_v<T>)
        kind = "floating";
    else if (std::is_integral_v<T> || std::is_enum_v<T>)
        kind = "integer";
    std::printf("%s:%zu", kind, sizeof(T));
    if constexpr (std::is_pointer_v<T>) {
        std::printf(":");
        show_target<std::remove_cv_t<std::remove_pointer_t<T>>>();
    }
}

template <class... Types> void show_line(const char *kind, const char *name) {
    std::printf("%s\\t%s", kind, name);
    ((std::printf("\\t"), show_type<std::remove_cv_t<Types>>()), ...);
    std::printf("\\n");
}

template <class Result, class... Parameters>
void show_function(const char *name, Result (*)(Parameters...)) {
    show_line<Result, Parameters...>("function", name);
}

#define STRUCTURE(type) std::printf("size\\t" #type "\\t%zu\\n", sizeof(type));
#define CONSTANT(name) std::printf("constant\\t" #name "\\t%lld\\n", (long long)(name));
/* A field that the structure lacks is no error here, so that all of them can be told. */
#define DECLARE_FIELD(type, field) \\
    template <class T> auto show_##type##_##field(int) -> decltype((void)&T::field) { \\
        std::printf("offset\\t" #type "." #field "\\t%zu\\n", offsetof(T, field)); \\
        show_line<decltype(T::field)>("field", #type "." #field); \\
    } \\
    template <class T> void show_##type##_##field(long) {}
#define FIELD(type, field) show_##type##_##field<type>(0);
`;

interface Wanted {
  /** C++ expressions of null pointers to each function, by any key. */
  functions: [key: string, pointer: string][];
  layouts: Declarations['layouts'];
  constants: readonly string[];
}

function measure(
  header: string,
  { functions, layouts, constants }: Wanted,
  flags: string[],
): Measures {
  const fields = layouts.flatMap(({ name, fields }) => fields.map((field) => `${name}, ${field}`));
  const source = [
    `#include "${header}"`,
    PRELUDE,
    ...fields.map((field) => `DECLARE_FIELD(${field})`),
    'int main() {',
    ...functions.map(([key, pointer]) => `show_function("${key}", ${pointer});`),
    ...layouts.map(({ name }) => `STRUCTURE(${name})`),
    ...fields.map((field) => `FIELD(${field})`),
    ...constants.map((name) => `CONSTANT(${name})`),
    '}',
  ].join('\n');
  const lines = runProgram(source, flags)
    .split('\n')
    .map((line) => line.split('\t'));
  const select = (kind: string): string[][] => lines.filter(([first]) => first === kind);
  const pairs = (kind: string): Map<string, string> =>
    new Map(select(kind).map(([, key = '', value = '']) => [key, value]));
  return {
    functions: new Map(select('function').map(([, key = '', ...types]) => [key, types])),
    sizes: pairs('size'),
    offsets: pairs('offset'),
    fields: pairs('field'),
    constants: pairs('constant'),
  };
}

/** Measures our declarations; a function's key is its index in the list. */
export function measureOurs(ours: Declarations): Measures {
  const functions = ours.functions.map(({ parameters }, index): [string, string] => [
    String(index),
    `static_cast<CUresult (*)(${parameters})>(nullptr)`,
  ]);
  return measure(ours.header, { ...ours, functions }, []);
}

/** Measures what a real header has of our declarations; a function's key is its name. */
export function measureReal(
  toolkit: Toolkit,
  ours: Declarations,
  realNames: ReadonlyMap<string, string>,
): Measures {
  const names = new Set(ours.functions.map(({ name }) => name));
  const known = [...names].filter((name) => toolkit.functions.has(name));
  const wanted = {
    functions: known.map((name): [string, string] => [
      name,
      `static_cast<decltype(&${name})>(nullptr)`,
    ]),
    layouts: ours.layouts.filter(({ name }) => toolkit.words.has(name)),
    constants: ours.constants
      .map((name) => realNames.get(name) ?? name)
      .filter((name) => toolkit.words.has(name)),
  };
  return measure(toolkit.header, wanted, headerFlags(toolkit.header));
}

// Support for the AVX-512 dot product of bytes (VNNI), which Highway 1.0.3 lacks: whether the processor has
// it, and the attribute of functions that use it.
#pragma once

// The attribute enables the instruction set for single functions. A compiler flag for a whole file would also
// affect functions from headers, and the linker might use those copies on every processor.
#define TT_VNNI __attribute__((target("avx512f,avx512bw,avx512vnni")))

namespace toptheta {

inline bool has_vnni() {
#if defined(__x86_64__)
  static const bool has = __builtin_cpu_supports("avx512f") != 0 && __builtin_cpu_supports("avx512bw") != 0 &&
                          __builtin_cpu_supports("avx512vnni") != 0;
  return has;
#else
  return false;
#endif
}

}  // namespace toptheta

// The AVX-512 product of bytes, which Highway 1.0.3 does not have: whether the processor has it, and what
// functions that use it are marked with.
#pragma once

// The instruction set is asked for function by function, not by a flag for the file: what the file includes
// must stay fit for every processor, for the linker may pick its copies.
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

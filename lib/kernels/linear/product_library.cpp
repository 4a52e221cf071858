#include "kernels/linear/product_library.hpp"

#include <dnnl_version.h>
#include <fmt/format.h>

#include <dnnl.hpp>
#include <string_view>
#include <utility>

namespace toptheta {

namespace {

std::string name_of_isa(dnnl::cpu_isa isa) {
  using Isa = dnnl::cpu_isa;
  static constexpr std::pair<Isa, std::string_view> kIsaNames[] = {
    {Isa::sse41, "sse41"},
    {Isa::avx, "avx"},
    {Isa::avx2, "avx2"},
    {Isa::avx2_vnni, "avx2_vnni"},
    {Isa::avx512_core, "avx512_core"},
    {Isa::avx512_core_vnni, "avx512_core_vnni"},
    {Isa::avx512_core_bf16, "avx512_core_bf16"},
#if DNNL_VERSION_MAJOR >= 3
    {Isa::avx512_core_fp16, "avx512_core_fp16"},
    {Isa::avx512_core_amx_fp16, "avx512_core_amx_fp16"},
#endif
    {Isa::avx512_core_amx, "avx512_core_amx"}
  };
  for (const auto& [known, name] : kIsaNames)
    if (known == isa) return std::string(name);
  // Not an x86 processor, or an instruction set that is newer than this list.
  return fmt::format("instruction set {:#x}", static_cast<unsigned>(isa));
}

}  // namespace

std::string product_library() {
  const dnnl_version_t& version = *dnnl_version();
  return fmt::format("oneDNN {}.{}.{}, {}", version.major, version.minor, version.patch,
                     name_of_isa(dnnl::get_effective_cpu_isa()));
}

}  // namespace toptheta

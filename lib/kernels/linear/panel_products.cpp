#include "kernels/linear/panel_products.hpp"

#include <dnnl_version.h>
#include <omp.h>

#include <array>
#include <cstddef>
#include <dnnl.hpp>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string_view>
#include <vector>

#include "kernels/linear/matrix_vector.hpp"

namespace toptheta {

namespace {

using Desc = dnnl::memory::desc;
using Tag = dnnl::memory::format_tag;
constexpr auto kFloat = dnnl::memory::data_type::f32;
constexpr auto kBf16 = dnnl::memory::data_type::bf16;

// oneDNN divides its work by the number of OpenMP threads that it may use, both when it plans a product and
// when it runs one. While a guard lives, that number is one for the calling thread. (Under clang, libomp also
// receives oneDNN's calls to libgomp, because it exports the same symbols and the dynamic linker finds it
// first.)
class OneThread {
 public:
  OneThread() { omp_set_num_threads(1); }
  ~OneThread() { omp_set_num_threads(before_); }
  OneThread(const OneThread&) = delete;
  OneThread& operator=(const OneThread&) = delete;

 private:
  int before_ = omp_get_max_threads();
};

const dnnl::engine& engine() {
  static const dnnl::engine cpu(dnnl::engine::kind::cpu, 0);
  return cpu;
}

dnnl::stream& stream() {
  static thread_local dnnl::stream one(engine());
  return one;
}

void* aligned_scratchpad(std::size_t bytes) {
  constexpr std::size_t kAlignment = 64;
  static thread_local std::vector<std::byte> scratchpad;
  if (scratchpad.size() < bytes + kAlignment) scratchpad.resize(bytes + kAlignment);
  void* place = scratchpad.data();
  std::size_t space = scratchpad.size();
  return std::align(kAlignment, bytes, place, space);
}

using Plan = dnnl::matmul::primitive_desc;

std::int64_t columns(const PanelKind& kind) {
  return kind.whole ? kind.stride : kPanelWidth;
}

// Empty where oneDNN has no such product.
Plan plan(std::int64_t rows, const PanelKind& kind, const Desc& weights, bool add) {
  const Desc input({rows, kind.in}, kind.bf16 ? kBf16 : kFloat, Tag::ab);
  const Desc output({rows, columns(kind)}, kFloat, dnnl::memory::dims{kind.stride, 1});
  dnnl::primitive_attr attributes;
  attributes.set_scratchpad_mode(dnnl::scratchpad_mode::user);
  attributes.set_fpmath_mode(dnnl::fpmath_mode::strict);
  if (add) {
    dnnl::post_ops sum;
    sum.append_sum(1.0F);
    attributes.set_post_ops(sum);
  }
#if DNNL_VERSION_MAJOR >= 3
  return Plan(engine(), input, weights, output, attributes, true);
#else
  return Plan(dnnl::matmul::desc(input, weights, output), attributes, engine(), true);
#endif
}

// With AVX-512, oneDNN prefers weights in blocks of 16 x 64, and our panels have that layout where their rows
// fill whole blocks. Elsewhere it takes plain rows, which our panels are too.
Desc weights_of(const PanelKind& kind) {
  const dnnl::memory::dims dims = {kind.in, columns(kind)};
  if (kind.bf16) return {dims, kBf16, Tag::BA16a64b2a};
  const Desc blocked(dims, kFloat, Tag::BA16a64b);
  if (kind.whole) return blocked;
  const Desc plain(dims, kFloat, Tag::ab);
  if (kind.in % 16 != 0) return plain;
  const Plan free_choice = plan(std::int64_t{1} << kLogMaxTileRows, kind, {dims, kFloat, Tag::any}, false);
  return free_choice && free_choice.weights_desc() == blocked ? blocked : plain;
}

class DnnlProducts final : public PanelProducts {
 public:
  explicit DnnlProducts(const PanelKind& kind) : kind_(kind), weights_(weights_of(kind)) {}

  void run(int log_rows, bool add, const void* x, const void* panel, float* y) const override {
    const OneThread guard;
    const Product& product = planned(log_rows, add);
    const dnnl::memory input(product.input, engine(), const_cast<void*>(x));
    const dnnl::memory weights(weights_, engine(), const_cast<void*>(panel));
    const dnnl::memory output(product.output, engine(), y);
    const dnnl::memory scratchpad(product.scratchpad, engine(),
                                  aligned_scratchpad(product.scratchpad.get_size()));
    product.run.execute(stream(), {{DNNL_ARG_SRC, input},
                                   {DNNL_ARG_WEIGHTS, weights},
                                   {DNNL_ARG_DST, output},
                                   {DNNL_ARG_SCRATCHPAD, scratchpad}});
  }

 private:
  struct Product {
    Desc input;
    Desc output;
    Desc scratchpad;
    dnnl::matmul run;
  };
  struct Place {
    std::once_flag once;
    Product product;
  };
  // Planned once for each size, because planning takes milliseconds; a model needs only a few products.
  [[nodiscard]] const Product& planned(int log_rows, bool add) const {
    Place& place = places_[2 * static_cast<std::size_t>(log_rows) + (add ? 1 : 0)];
    std::call_once(place.once, [&] {
      const Plan of_rows = plan(std::int64_t{1} << log_rows, kind_, weights_, add);
      place.product = {of_rows.src_desc(), of_rows.dst_desc(), of_rows.scratchpad_desc(),
                       dnnl::matmul(of_rows)};
    });
    return place.product;
  }

  PanelKind kind_;
  Desc weights_;
  mutable std::array<Place, 2 * std::size_t{kLogMaxTileRows + 1}> places_;  // [log_rows][plain, add]
};

bool has_bf16_instructions() {
  const auto isa = static_cast<unsigned>(dnnl::get_effective_cpu_isa());
  const auto needed = static_cast<unsigned>(dnnl::cpu_isa::avx512_core_bf16);
  return (isa & needed) == needed;
}

bool is_fast(const PanelKind& kind) {
  const std::int64_t block = kind.bf16 ? 32 : 16;
  if (kind.bf16 && !has_bf16_instructions()) return false;
  if ((kind.bf16 || kind.whole) && kind.in % block != 0) return false;
  if (kind.whole && kind.stride % kPanelWidth != 0) return false;
  const OneThread guard;
  const Plan largest = plan(std::int64_t{1} << kLogMaxTileRows, kind, weights_of(kind), true);
  return largest && std::string_view(largest.impl_info_str()).find("ref") == std::string_view::npos;
}

// What is known about a kind of product.
struct KindOfProduct {
  std::optional<bool> fast{};
  std::unique_ptr<PanelProducts> products{};
};

// Null where the product would be slow, unless `even_slow`.
const PanelProducts* products_of(const PanelKind& kind, bool even_slow) {
  static std::mutex mutex;
  static std::map<PanelKind, KindOfProduct> all;
  const std::lock_guard lock(mutex);
  KindOfProduct& known = all[kind];
  if (!even_slow) {
    if (!known.fast) known.fast = is_fast(kind);
    if (!*known.fast) return nullptr;
  }
  if (!known.products) known.products = std::make_unique<DnnlProducts>(kind);
  return known.products.get();
}

}  // namespace

const PanelProducts* PanelProducts::fast(const PanelKind& kind) {
  return products_of(kind, false);
}

const PanelProducts& PanelProducts::any(std::int64_t in, std::int64_t stride) {
  return *products_of({in, stride, false}, true);
}

}  // namespace toptheta

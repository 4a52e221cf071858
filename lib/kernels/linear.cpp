#include "kernels/linear.hpp"

#include <dnnl_version.h>
#include <omp.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cassert>
#include <cstddef>
#include <dnnl.hpp>
#include <vector>

#include "core/parallel.hpp"

namespace toptheta {

namespace {

using Desc = dnnl::memory::desc;
constexpr auto kFloat = dnnl::memory::data_type::f32;

// Rows are cut into tiles of 128 and the rest into powers of two, so that a handful of products serves any
// row count.
constexpr int kLogMaxRows = 7;
constexpr std::int64_t kMaxRows = std::int64_t{1} << kLogMaxRows;

// oneDNN splits its work by the number of OpenMP threads it may use, both when it plans a product and when it
// runs one. While a guard lives, that number is one for the calling thread. (Under clang, libomp also answers
// oneDNN's calls to libgomp: it exports the same symbols and comes first in the search order of the dynamic
// linker.)
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

// What a running product needs besides its operands, kept from call to call.
struct Workspace {
  std::vector<float> output;  // [tile rows, panel width]
  std::vector<std::byte> scratchpad;

  void* aligned_scratchpad(std::size_t bytes) {
    constexpr std::size_t kAlignment = 64;
    if (scratchpad.size() < bytes + kAlignment) scratchpad.resize(bytes + kAlignment);
    void* place = scratchpad.data();
    std::size_t space = scratchpad.size();
    return std::align(kAlignment, bytes, place, space);
  }
};

Workspace& workspace() {
  static thread_local Workspace one;
  return one;
}

// A planned product of a tile with a panel.
struct Product {
  Desc input;    // [rows, in]
  Desc weights;  // [in, width] in the packed layout
  Desc output;   // [rows, width]
  Desc scratchpad;
  dnnl::matmul run;
};

Product plan_product(std::int64_t rows, std::int64_t in, std::int64_t width, const Desc& weights) {
  const Desc input({rows, in}, kFloat, dnnl::memory::format_tag::ab);
  const Desc output({rows, width}, kFloat, dnnl::memory::format_tag::ab);
  dnnl::primitive_attr attributes;
  attributes.set_scratchpad_mode(dnnl::scratchpad_mode::user);
  attributes.set_fpmath_mode(dnnl::fpmath_mode::strict);
#if DNNL_VERSION_MAJOR >= 3
  const dnnl::matmul::primitive_desc plan(engine(), input, weights, output, attributes);
#else
  const dnnl::matmul::primitive_desc plan(dnnl::matmul::desc(input, weights, output), attributes, engine());
#endif
  return {input, plan.weights_desc(), output, plan.scratchpad_desc(), dnnl::matmul(plan)};
}

// The products of one panel width, for tiles of 2^i rows.
using Products = std::vector<Product>;

Products plan_products(std::int64_t in, std::int64_t width) {
  // The largest tile chooses the layout of the weights; the smaller ones take it as it is.
  const Desc any_layout({in, width}, kFloat, dnnl::memory::format_tag::any);
  const Product largest = plan_product(kMaxRows, in, width, any_layout);
  Products products;
  for (int i = 0; i < kLogMaxRows; ++i)
    products.push_back(plan_product(std::int64_t{1} << i, in, width, largest.weights));
  products.push_back(largest);
  return products;
}

// Panels of about 256 KiB of weights: they stay in a core's cache while tile after tile passes, and there are
// enough of them to share out when there is only one row.
std::int64_t panel_width(std::int64_t in, std::int64_t out) {
  constexpr std::int64_t kPanelWeights = 65536;
  constexpr std::int64_t kWidthUnit = 64;
  const std::int64_t units = std::max<std::int64_t>(1, kPanelWeights / (in * kWidthUnit));
  return std::min(units * kWidthUnit, out);
}

struct RowTile {
  std::int64_t first;
  int log_rows;
};

std::int64_t count_tiles(std::int64_t rows) {
  return rows / kMaxRows + std::popcount(static_cast<std::uint64_t>(rows % kMaxRows));
}

RowTile row_tile(std::int64_t rows, std::int64_t index) {
  const std::int64_t full = rows / kMaxRows;
  if (index < full) return {index * kMaxRows, kLogMaxRows};
  std::int64_t first = full * kMaxRows;
  auto rest = static_cast<std::uint64_t>(rows % kMaxRows);
  for (;; --index) {
    const std::uint64_t largest = std::bit_floor(rest);
    if (index == full) return {first, std::countr_zero(largest)};
    first += static_cast<std::int64_t>(largest);
    rest -= largest;
  }
}

}  // namespace

struct Linear::Impl {
  std::int64_t in = 0;
  std::int64_t out = 0;
  std::int64_t width = 0;            // output features per panel; the last panel may be narrower
  Products products;                 // of a full panel
  Products last_products;            // of a narrower last panel; empty where there is none
  std::vector<dnnl::memory> panels;  // packed weights
  std::vector<float> bias;           // [out] or empty

  [[nodiscard]] std::int64_t panel_count() const { return (out + width - 1) / width; }
  [[nodiscard]] std::int64_t width_of(std::int64_t panel) const {
    return std::min(width, out - panel * width);
  }
  [[nodiscard]] const Products& products_of(std::int64_t panel) const {
    return width_of(panel) == width ? products : last_products;
  }
  void pack(const float* weight);
  void apply_panel(const float* x, const RowTile& tile, std::int64_t panel, float* y) const;
};

void Linear::Impl::pack(const float* weight) {
  const std::int64_t count = panel_count();
  panels.resize(static_cast<std::size_t>(count));
  parallel_for(count, [&](std::int64_t p) {
    const OneThread guard;
    // Read [width, in] row-major as [in, width].
    const Desc plain({in, width_of(p)}, kFloat, dnnl::memory::format_tag::ba);
    dnnl::memory source(plain, engine(), const_cast<float*>(weight + p * width * in));
    dnnl::memory& packed = panels[static_cast<std::size_t>(p)];
    packed = dnnl::memory(products_of(p).front().weights, engine());
    dnnl::reorder(source, packed).execute(stream(), source, packed);
  });
}

void Linear::Impl::apply_panel(const float* x, const RowTile& tile, std::int64_t panel, float* y) const {
  const Product& product = products_of(panel)[static_cast<std::size_t>(tile.log_rows)];
  const std::int64_t rows = std::int64_t{1} << tile.log_rows;
  const std::int64_t columns = width_of(panel);
  Workspace& space = workspace();
  if (std::ssize(space.output) < rows * columns)
    space.output.resize(static_cast<std::size_t>(rows * columns));

  const OneThread guard;
  const dnnl::memory input(product.input, engine(), const_cast<float*>(x + tile.first * in));
  const dnnl::memory output(product.output, engine(), space.output.data());
  const dnnl::memory scratchpad(product.scratchpad, engine(),
                                space.aligned_scratchpad(product.scratchpad.get_size()));
  product.run.execute(stream(), {{DNNL_ARG_SRC, input},
                                 {DNNL_ARG_WEIGHTS, panels[static_cast<std::size_t>(panel)]},
                                 {DNNL_ARG_DST, output},
                                 {DNNL_ARG_SCRATCHPAD, scratchpad}});

  for (std::int64_t r = 0; r < rows; ++r) {
    const float* from = space.output.data() + r * columns;
    float* to = y + (tile.first + r) * out + panel * width;
    std::copy(from, from + columns, to);
    if (bias.empty()) continue;
    const float* b = bias.data() + panel * width;
    for (std::int64_t c = 0; c < columns; ++c)
      to[c] += b[c];
  }
}

Linear::Linear(std::span<const float> weight, std::int64_t out_features, std::int64_t in_features,
               std::span<const float> bias) {
  assert(out_features > 0 && in_features > 0 && std::ssize(weight) == out_features * in_features);
  assert(bias.empty() || std::ssize(bias) == out_features);
  auto impl = std::make_unique<Impl>();
  impl->in = in_features;
  impl->out = out_features;
  impl->width = panel_width(in_features, out_features);
  impl->bias.assign(bias.begin(), bias.end());
  {
    const OneThread guard;
    impl->products = plan_products(in_features, impl->width);
    const std::int64_t last = impl->width_of(impl->panel_count() - 1);
    if (last != impl->width) impl->last_products = plan_products(in_features, last);
  }
  impl->pack(weight.data());
  impl_ = std::move(impl);
}

Linear::Linear(Linear&&) noexcept = default;
Linear& Linear::operator=(Linear&&) noexcept = default;
Linear::~Linear() = default;

std::int64_t Linear::in_features() const {
  return impl_->in;
}
std::int64_t Linear::out_features() const {
  return impl_->out;
}

void Linear::apply(const float* x, std::int64_t rows, float* y) const {
  const std::int64_t tiles = count_tiles(rows);
  // Panel by panel, so that weights pass from memory once.
  parallel_for(tiles * impl_->panel_count(), [&](std::int64_t piece) {
    impl_->apply_panel(x, row_tile(rows, piece % tiles), piece / tiles, y);
  });
}

}  // namespace toptheta

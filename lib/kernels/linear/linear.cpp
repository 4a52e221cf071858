#include "kernels/linear/linear.hpp"

#include <algorithm>
#include <cassert>
#include <cstddef>
#include <functional>
#include <vector>

#include "core/fresh_array.hpp"
#include "core/half.hpp"
#include "core/parallel.hpp"
#include "core/team.hpp"
#include "kernels/linear/coded_panel.hpp"
#include "kernels/linear/coded_panel_vnni.hpp"
#include "kernels/linear/matrix_vector.hpp"
#include "kernels/linear/panel_products.hpp"
#include "kernels/linear/row_tiles.hpp"
#include "kernels/linear/shares.hpp"
#include "kernels/rows/convert.hpp"
#include "kernels/vector/vnni.hpp"

namespace toptheta {

namespace {

// From this many rows on, threads share tiles of whole rows; below it, panels.
constexpr std::int64_t kLeastWholeRows = 64;

// Memory that a thread reuses from call to call.
template <class Number>
Number* thread_memory(std::size_t count) {
  static thread_local std::vector<Number> numbers;
  if (numbers.size() < count) numbers.resize(count);
  return numbers.data();
}

// A single row of inputs: as floats, and in 8 bits where the weights are in 8 bits.
struct OneRow {
  const float* x = nullptr;
  const CodedVector* coded = nullptr;
};

}  // namespace

struct Linear::Impl {
  std::int64_t in;
  std::int64_t out;
  bool bf16;
  std::int64_t group;                // of 8-bit weights: 16 or 32; 0: others
  bool bf16_products;                // the processor multiplies bf16
  std::int64_t padded_in;            // even for bf16 weights, whole blocks for 8-bit ones
  FreshArray<float> wide;            // [panels][in][64], or
  FreshArray<std::uint32_t> narrow;  // [panels][padded in / 2][64], or
  FreshArray<std::byte> coded;       // [panels] as in coded_panel.hpp
  std::vector<float> bias;           // [panels * 64], or empty
  const PanelProducts* whole;        // all panels at once; null where oneDNN has no such product
  const PanelProducts* direct;       // writes into y; null where that is not fast
  const PanelProducts* aside;        // writes 64 columns elsewhere, for a last panel that is not full

  Impl(std::int64_t in_features, std::int64_t out_features, Compute compute, std::int64_t code_group);
  [[nodiscard]] std::int64_t panels() const { return (out + kPanelWidth - 1) / kPanelWidth; }
  [[nodiscard]] std::int64_t columns(std::int64_t panel) const {
    return std::min(kPanelWidth, out - panel * kPanelWidth);
  }
  [[nodiscard]] const float* wide_panel(std::int64_t panel) const {
    return wide.data() + panel * in * kPanelWidth;
  }
  [[nodiscard]] const std::uint32_t* narrow_panel(std::int64_t panel) const {
    return narrow.data() + panel * padded_in / 2 * kPanelWidth;
  }
  [[nodiscard]] CodedPanel coded_panel(std::int64_t panel) const {
    return {coded.data() + panel * coded_panel_bytes(padded_in, group), padded_in, group};
  }
  void pack(const float* from, std::int64_t panel);  // `from`: the panel's rows
  void pack_codes(std::int64_t panel, const std::function<void(const CodedRows&)>& fill);
  void pack_rounded(const float* from, std::int64_t panel);

  void run(const float* x, std::int64_t rows, float* y, bool add) const;
  [[nodiscard]] OneRow prepared(const float* x) const;
  void one_row(const OneRow& row, std::int64_t panel, PanelColumns part, float* y, bool add) const;
  void single(const float* x, float* y, bool add) const;
  [[nodiscard]] const void* halves(const float* x, std::int64_t rows) const;
  [[nodiscard]] const void* panel_weights(std::int64_t panel, float*& scratch) const;
  void whole_tile(const void* x, const RowTile& tile, float* y, bool add) const;
  void group_tile(const void* x, const RowTile& tile, std::int64_t first, std::int64_t end, float* y,
                  bool add) const;
  void tile(const void* x, const RowTile& tile, std::int64_t panel, float* y, bool add) const;
  [[nodiscard]] const void* row_of(const void* x, std::int64_t row) const;
  void add_bias(const RowTile& tile, std::int64_t panel, float* y) const;
};

namespace {
std::int64_t padded_size(std::int64_t in, Compute compute) {
  const std::int64_t unit = compute == Compute::q8 ? kCodeBlock : compute == Compute::bf16 ? 2 : 1;
  return (in + unit - 1) / unit * unit;
}
}  // namespace

Linear::Impl::Impl(std::int64_t in_features, std::int64_t out_features, Compute compute,
                   std::int64_t code_group)
    : in(in_features),
      out(out_features),
      bf16(compute == Compute::bf16),
      group(compute == Compute::q8 ? code_group : 0),
      bf16_products(compute != Compute::f32 && PanelProducts::fast({in, kPanelWidth, true}) != nullptr),
      padded_in(padded_size(in, compute)),
      wide(compute == Compute::f32 ? static_cast<std::size_t>(panels() * in * kPanelWidth) : 0),
      narrow(bf16 ? static_cast<std::size_t>(panels() * padded_in / 2 * kPanelWidth) : 0),
      coded(group > 0 ? static_cast<std::size_t>(panels() * coded_panel_bytes(padded_in, group)) : 0),
      whole(group > 0 || (bf16 && !bf16_products) ? nullptr
                                                  : PanelProducts::fast({in, out, bf16_products, true})),
      direct(out < kPanelWidth ? nullptr : PanelProducts::fast({in, out, bf16_products})),
      aside(bf16_products ? PanelProducts::fast({in, kPanelWidth, true})
                          : &PanelProducts::any(in, kPanelWidth)) {}

void Linear::Impl::pack_codes(std::int64_t panel, const std::function<void(const CodedRows&)>& fill) {
  const auto size = static_cast<std::size_t>(columns(panel) * padded_in);
  std::vector<std::uint8_t> codes(size);
  std::vector<float> scales(size / static_cast<std::size_t>(group));
  std::vector<float> offsets(scales.size());
  const CodedRows rows{group, codes.data(), scales.data(), offsets.data()};
  fill(rows);
  pack_coded(rows, columns(panel), padded_in, coded.data() + panel * coded_panel_bytes(padded_in, group));
}

void Linear::Impl::pack_rounded(const float* from, std::int64_t panel) {
  pack_codes(panel, [&](const CodedRows& rows) {
    if (padded_in == in) return code_rows(from, columns(panel), in, rows);
    std::vector<float> padded(static_cast<std::size_t>(padded_in));
    for (std::int64_t c = 0; c < columns(panel); ++c) {
      std::copy_n(from + c * in, in, padded.begin());
      code_rows(padded.data(), 1, padded_in, rows.from(c, padded_in));
    }
  });
}

void Linear::Impl::pack(const float* from, std::int64_t panel) {
  if (group > 0) return pack_rounded(from, panel);
  for (std::int64_t c = 0; c < columns(panel); ++c)
    for (std::int64_t i = 0; i < in; ++i) {
      const float value = from[c * in + i];
      if (bf16)
        narrow.data()[(panel * padded_in / 2 + i / 2) * kPanelWidth + c] |=
            std::uint32_t{bf16_from_float(value)} << (i % 2 * 16);
      else
        wide.data()[(panel * in + i) * kPanelWidth + c] = value;
    }
}

// `y` is the row's first output feature. For 8-bit weights, `part` must be the whole panel.
void Linear::Impl::one_row(const OneRow& row, std::int64_t panel, PanelColumns part, float* y,
                           bool add) const {
  alignas(64) float sums[kPanelWidth];
  if (row.coded != nullptr && has_vnni())
    coded_panel_times_vector_vnni(coded_panel(panel), *row.coded, sums);
  else if (row.coded != nullptr)
    coded_panel_times_vector(coded_panel(panel), *row.coded, sums);
  else if (bf16)
    panel_times_vector_bf16(row.x, narrow_panel(panel), padded_in, sums, part);
  else
    panel_times_vector(row.x, wide_panel(panel), in, sums, part);
  float* to = y + panel * kPanelWidth;
  const float* b = bias.empty() ? nullptr : bias.data() + panel * kPanelWidth;
  for (std::int64_t c = part.first; c < std::min(columns(panel), part.first + part.count); ++c)
    to[c] = sums[c] + (b != nullptr ? b[c] : 0.0F) + (add ? to[c] : 0.0F);
}

const void* Linear::Impl::row_of(const void* x, std::int64_t row) const {
  const std::size_t element = bf16_products ? sizeof(std::uint16_t) : sizeof(float);
  return static_cast<const std::byte*>(x) + static_cast<std::size_t>(row * in) * element;
}

void Linear::Impl::whole_tile(const void* x, const RowTile& tile, float* y, bool add) const {
  const void* weights = bf16 ? static_cast<const void*>(narrow.data()) : wide.data();
  whole->run(tile.log_rows, add, row_of(x, tile.first), weights, y + tile.first * out);
  for (std::int64_t panel = 0; panel < panels() && !bias.empty(); ++panel)
    add_bias(tile, panel, y);
}

// Panels first ... end - 1. Their results are written side by side into memory that stays in the cache.
void Linear::Impl::group_tile(const void* x, const RowTile& tile, std::int64_t first, std::int64_t end,
                              float* y, bool add) const {
  const std::int64_t width = (end - first) * kPanelWidth;
  const PanelProducts* const product = PanelProducts::fast({in, width, bf16_products, true});
  assert(product != nullptr);
  float* const sums = thread_memory<float>(static_cast<std::size_t>(tile.rows() * width));
  const void* const weights =
      bf16 ? static_cast<const void*>(narrow_panel(first)) : static_cast<const void*>(wide_panel(first));
  product->run(tile.log_rows, false, row_of(x, tile.first), weights, sums);
  for (std::int64_t r = 0; r < tile.rows(); ++r) {
    const float* const from = sums + r * width;
    float* const to = y + (tile.first + r) * out + first * kPanelWidth;
    for (std::int64_t c = 0; c < width; ++c)
      to[c] = add ? from[c] + to[c] : from[c];
  }
  for (std::int64_t panel = first; panel < end && !bias.empty(); ++panel)
    add_bias(tile, panel, y);
}

// The panel in the form that its products take. Other forms are widened into `scratch`, which advances.
const void* Linear::Impl::panel_weights(std::int64_t panel, float*& scratch) const {
  const auto size = static_cast<std::size_t>(padded_in * kPanelWidth);
  if (group > 0 && bf16_products) {
    auto* const pairs = thread_memory<std::uint32_t>(size / 2);
    widen_coded_panel_bf16(coded_panel(panel), pairs);
    return pairs;
  }
  if (bf16 && bf16_products) return narrow_panel(panel);
  if (!bf16 && group == 0) return wide_panel(panel);
  float* const floats = scratch;
  scratch += size;
  if (bf16)
    widen_panel_bf16(narrow_panel(panel), padded_in, floats);
  else
    widen_coded_panel(coded_panel(panel), floats);
  return floats;
}

void Linear::Impl::tile(const void* x, const RowTile& tile, std::int64_t panel, float* y, bool add) const {
  const bool full = direct != nullptr && columns(panel) == kPanelWidth;
  const std::int64_t rows = tile.rows();
  float* scratch = thread_memory<float>(static_cast<std::size_t>((padded_in + rows) * kPanelWidth));
  const void* const weights = panel_weights(panel, scratch);
  const void* input = row_of(x, tile.first);
  float* to = y + tile.first * out + panel * kPanelWidth;
  if (full) {
    direct->run(tile.log_rows, add, input, weights, to);
  } else {
    float* const sums = scratch;
    aside->run(tile.log_rows, false, input, weights, sums);
    for (std::int64_t r = 0; r < rows; ++r)
      for (std::int64_t c = 0; c < columns(panel); ++c)
        to[r * out + c] = sums[r * kPanelWidth + c] + (add ? to[r * out + c] : 0.0F);
  }
  if (!bias.empty()) add_bias(tile, panel, y);
}

void Linear::Impl::add_bias(const RowTile& tile, std::int64_t panel, float* y) const {
  const float* b = bias.data() + panel * kPanelWidth;
  float* to = y + tile.first * out + panel * kPanelWidth;
  for (std::int64_t r = 0; r < tile.rows(); ++r)
    for (std::int64_t c = 0; c < columns(panel); ++c)
      to[r * out + c] += b[c];
}

OneRow Linear::Impl::prepared(const float* x) const {
  static thread_local std::vector<float> padded;
  static thread_local CodedVector codes;
  if (group > 0) {
    code_vector(x, in, padded_in, group, codes);
    return {x, &codes};
  }
  if (!bf16 || padded_in == in) return {x};
  padded.assign(x, x + in);
  padded.push_back(0);
  return {padded.data()};
}

void Linear::Impl::single(const float* x, float* y, bool add) const {
  const OneRow row = prepared(x);
  const RowShares shares = row_shares(panels(), thread_count(), group > 0 ? 1 : 4);
  const auto body = [&](std::int64_t piece) {
    const std::int64_t width = kPanelWidth / shares.parts;
    const std::int64_t end = shares.first_unit(piece + 1);
    for (std::int64_t unit = shares.first_unit(piece); unit < end;) {
      const std::int64_t first = unit % shares.parts;
      const std::int64_t count = std::min(shares.parts - first, end - unit);
      one_row(row, unit / shares.parts, {first * width, count * width}, y, add);
      unit += count;
    }
  };
  parallel_runs(shares.pieces, std::cref(body));
}

// The input in bfloat16, in memory of the calling thread, which all threads write.
const void* Linear::Impl::halves(const float* x, std::int64_t rows) const {
  auto* const to = thread_memory<std::uint16_t>(static_cast<std::size_t>(rows * in));
  const auto body = [&](std::int64_t r) {
    const auto n = static_cast<std::size_t>(in);
    bf16_from_floats({x + r * in, n}, {to + r * in, n});
  };
  parallel_for(rows, std::cref(body));
  return to;
}

void Linear::Impl::run(const float* x, std::int64_t rows, float* y, bool add) const {
  if (rows == 1) return single(x, y, add);
  const void* const input = bf16_products ? halves(x, rows) : x;
  if (whole != nullptr && rows >= kLeastWholeRows) {
    const TileShares shares = tile_shares(rows, panels(), thread_count(), kLogMaxTileRows);
    const RowTiles tiles(rows, shares.log_rows);
    const auto body = [&](std::int64_t piece) {
      const RowTile of_piece = tiles[piece / shares.groups];
      if (shares.groups == 1) return whole_tile(input, of_piece, y, add);
      const std::int64_t part = piece % shares.groups;
      group_tile(input, of_piece, panels() * part / shares.groups, panels() * (part + 1) / shares.groups, y,
                 add);
    };
    return parallel_for(tiles.count() * shares.groups, std::cref(body));
  }
  const RowTiles tiles(rows, kLogMaxTileRows);
  // Panel by panel, so that weights are read from memory only once.
  const auto body = [&](std::int64_t piece) {
    tile(input, tiles[piece % tiles.count()], piece / tiles.count(), y, add);
  };
  parallel_for(tiles.count() * panels(), std::cref(body));
}

Linear::Linear(std::span<const float> weight, std::int64_t out_features, std::int64_t in_features,
               std::span<const float> bias, Compute compute)
    : Linear(
          [&](std::int64_t first, std::int64_t count, float* out) {
            assert(std::ssize(weight) == out_features * in_features);
            std::copy_n(weight.data() + first * in_features, count * in_features, out);
          },
          out_features, in_features, bias, compute) {}

Linear::Linear(const ReadRows& read, std::int64_t out_features, std::int64_t in_features,
               std::span<const float> bias, Compute compute) {
  assert(out_features > 0 && in_features > 0);
  assert(bias.empty() || std::ssize(bias) == out_features);
  auto impl = std::make_unique<Impl>(in_features, out_features, compute, kCodeBlock);
  impl->bias.assign(bias.begin(), bias.end());
  // By the threads that later multiply single rows, so that weights lie near those who read them.
  parallel_runs(impl->panels(), [&](std::int64_t panel) {
    std::vector<float> rows(static_cast<std::size_t>(impl->columns(panel) * in_features));
    read(panel * kPanelWidth, impl->columns(panel), rows.data());
    impl->pack(rows.data(), panel);
  });
  impl_ = std::move(impl);
}

Linear::Linear(const ReadCodes& read, std::int64_t group, std::int64_t out_features, std::int64_t in_features,
               std::span<const float> bias) {
  assert(in_features % kCodeBlock == 0 && (group == kCodeBlock || 2 * group == kCodeBlock));
  assert(bias.empty() || std::ssize(bias) == out_features);
  auto impl = std::make_unique<Impl>(in_features, out_features, Compute::q8, group);
  impl->bias.assign(bias.begin(), bias.end());
  parallel_runs(impl->panels(), [&](std::int64_t panel) {
    impl->pack_codes(panel,
                     [&](const CodedRows& rows) { read(panel * kPanelWidth, impl->columns(panel), rows); });
  });
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
void Linear::row(std::int64_t out_feature, float* weights) const {
  const std::int64_t panel = out_feature / kPanelWidth;
  const std::int64_t column = out_feature % kPanelWidth;
  if (impl_->group > 0) {
    auto* const padded = thread_memory<float>(static_cast<std::size_t>(impl_->padded_in));
    unpack_coded(impl_->coded_panel(panel), column, padded);
    std::copy_n(padded, impl_->in, weights);
    return;
  }
  for (std::int64_t i = 0; i < impl_->in; ++i) {
    if (!impl_->bf16) {
      weights[i] = impl_->wide_panel(panel)[i * kPanelWidth + column];
      continue;
    }
    const std::uint32_t pair = impl_->narrow_panel(panel)[i / 2 * kPanelWidth + column];
    weights[i] = float_from_bf16(static_cast<std::uint16_t>(pair >> (i % 2 * 16)));
  }
}

std::int64_t Linear::bias_size() const {
  return static_cast<std::int64_t>(impl_->bias.size());
}

std::int64_t Linear::bytes() const {
  return static_cast<std::int64_t>(impl_->wide.size() * sizeof(float) +
                                   impl_->narrow.size() * sizeof(std::uint32_t) + impl_->coded.size() +
                                   impl_->bias.size() * sizeof(float));
}

bool Linear::rounds_input() const {
  return impl_->bf16_products;
}
bool Linear::takes_whole_rows() const {
  return impl_->whole != nullptr;
}

void Linear::apply(const float* x, std::int64_t rows, float* y) const {
  impl_->run(x, rows, y, false);
}

void Linear::apply_add(const float* x, std::int64_t rows, float* y) const {
  impl_->run(x, rows, y, true);
}

}  // namespace toptheta

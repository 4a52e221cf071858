#include "kernels/linear/linear.hpp"

#include <algorithm>
#include <cassert>
#include <cstddef>
#include <functional>
#include <vector>

#include "core/parallel.hpp"
#include "core/team.hpp"
#include "kernels/linear/coded_panel_vnni.hpp"
#include "kernels/linear/linear_impl.hpp"
#include "kernels/linear/shares.hpp"
#include "kernels/rows/convert.hpp"
#include "kernels/vector/vnni.hpp"

namespace toptheta {

namespace {

// From this many rows on, threads share tiles of whole rows; below it, panels.
constexpr std::int64_t kLeastWholeRows = 64;

}  // namespace

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

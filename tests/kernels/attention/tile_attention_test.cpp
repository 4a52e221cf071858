// Attention of a tile against plain loops in double precision: whatever is kept, however keys and values are
// stored, at every instruction set; tiles one after the other and joined later; lists.
#include "kernels/attention/tile_attention.hpp"

#include <algorithm>
#include <cmath>
#include <memory>
#include <vector>

#include "core/random.hpp"
#include "kernels/attention/narrow_keys.hpp"
#include "kernels/rows/int8_row.hpp"
#include "support/catch.hpp"
#include "support/instruction_sets.hpp"

using namespace toptheta;

namespace {

constexpr double kInfinite = std::numeric_limits<double>::infinity();

std::vector<float> random_values(std::int64_t count, std::uint64_t seed, double reach = 1) {
  Random random(seed);
  std::vector<float> values(static_cast<std::size_t>(count));
  for (float& value : values)
    value = static_cast<float>(reach * (2 * random.uniform() - 1));
  return values;
}

// Rows over some tiles of keys, stored in each way; q and keys are exact in 16 bits, so that all ways agree.
struct TileWorld {
  std::int64_t rows;
  std::int64_t dim;
  std::int64_t keys;
  KvType type;
  std::vector<float> q, k, v;
  std::vector<float> packed;
  std::vector<std::uint16_t> half_packed, half_values;
  std::vector<std::int8_t> byte_packed, byte_values;
  std::vector<float> key_scales, value_scales;
  std::vector<float> wide;
  std::vector<std::int32_t> visible, hidden;
  std::vector<float> theta;
  std::unique_ptr<TileScratch> scratch = std::make_unique<TileScratch>();

  TileWorld(std::int64_t row_count, std::int64_t head_dim, std::int64_t key_count, KvType kv)
      : rows(row_count), dim(head_dim), keys(key_count), type(kv) {
    q = random_values(rows * dim, 1, 2);
    k = random_values(keys * dim, 2, 2);
    v = random_values(keys * dim, 3);
    const std::int64_t padded = (keys + kTileKeys - 1) / kTileKeys * kTileKeys;
    wide.resize(static_cast<std::size_t>(kTileKeys * dim));
    packed.resize(static_cast<std::size_t>(padded * dim));
    if (type == KvType::int8) store_bytes();
    if (is_half(type)) {
      half_packed.resize(packed.size());
      half_values = halved(v);
      const std::vector<std::uint16_t> half_keys = halved(k);
      pack_half_keys(type, half_keys.data(), keys, dim, dim, 0, half_packed.data());
    }
    pack_keys(k.data(), keys, dim, dim, 0, packed.data());
    visible.resize(static_cast<std::size_t>(rows));
    hidden.resize(static_cast<std::size_t>(rows));
    theta.resize(static_cast<std::size_t>(rows));
  }

  void store_bytes() {
    byte_packed.resize(packed.size());
    byte_values.resize(packed.size());
    key_scales.resize(packed.size() / static_cast<std::size_t>(dim));
    value_scales = key_scales;
    std::vector<std::int8_t> key(static_cast<std::size_t>(dim));
    for (std::int64_t j = 0; j < keys; ++j) {
      key_scales[static_cast<std::size_t>(j)] = int8_from_floats(k.data() + j * dim, dim, key.data());
      pack_int8_key(key.data(), dim, j, byte_packed.data());
      value_scales[static_cast<std::size_t>(j)] =
          int8_from_floats(v.data() + j * dim, dim, byte_values.data() + j * dim);
    }
    round_rows(type, dim, k);
    round_rows(type, dim, v);
  }

  // Rounds the values to the type, and returns them in it.
  std::vector<std::uint16_t> halved(std::vector<float>& values) const {
    std::vector<std::uint16_t> bits(values.size());
    narrow(type, values.data(), std::ssize(values), bits.data());
    widen(type, bits.data(), std::ssize(values), values.data());
    return bits;
  }

  [[nodiscard]] AttentionTile tile(std::int64_t first, std::int64_t count) {
    const auto at = static_cast<std::size_t>(first * dim);
    AttentionTile tile{.queries = {q.data(), dim},
                       .rows = rows,
                       .keys = &packed[at],
                       .values = &v[at],
                       .head_dim = dim,
                       .num_keys = count,
                       .scale = 0.375F,
                       .visible = visible.data(),
                       .hidden = hidden.data()};
    if (is_half(type)) {
      tile.keys = NarrowKeys{type, &half_packed[at]};
      tile.values = NarrowRows{type, &half_values[at], nullptr, wide.data()};
    }
    if (type == KvType::int8) {
      tile.keys = NarrowKeys{type, &byte_packed[at], &key_scales[static_cast<std::size_t>(first)]};
      tile.values =
          NarrowRows{type, &byte_values[at], &value_scales[static_cast<std::size_t>(first)], wide.data()};
    }
    return tile;
  }
};

// What a row's tiles should add up to.
struct Expected {
  std::int64_t kept = 0;
  double weight = 0;  // of e^(s - largest)
  double largest = -kInfinite;
  double dropped = 0;  // of e^(s - theta)
  std::vector<double> mean;
};

Expected expected_row(const TileWorld& world, std::int64_t r, std::int64_t first, std::int64_t begin,
                      std::int64_t end, double theta, double cap) {
  Expected row;
  row.mean.assign(static_cast<std::size_t>(world.dim), 0);
  std::vector<std::pair<std::int64_t, double>> kept;
  for (std::int64_t j = first + begin; j < first + end; ++j) {
    double score = 0;
    for (std::int64_t i = 0; i < world.dim; ++i)
      score += static_cast<double>(world.q[static_cast<std::size_t>(r * world.dim + i)]) *
               static_cast<double>(world.k[static_cast<std::size_t>(j * world.dim + i)]);
    score *= 0.375;
    if (cap > 0) score = cap * std::tanh(score / cap);
    if (score > theta) {
      kept.emplace_back(j, score);
      row.largest = std::max(row.largest, score);
    } else {
      row.dropped += std::exp(score - theta);
    }
  }
  row.kept = std::ssize(kept);
  for (const auto& [j, score] : kept) {
    const double weight = std::exp(score - row.largest);
    row.weight += weight;
    for (std::int64_t i = 0; i < world.dim; ++i)
      row.mean[static_cast<std::size_t>(i)] +=
          weight * static_cast<double>(world.v[static_cast<std::size_t>(j * world.dim + i)]);
  }
  for (double& x : row.mean)
    x /= row.weight > 0 ? row.weight : 1;
  return row;
}

// Worst relative difference of a row's state from what is expected; a wrong count is infinitely wrong.
double difference(const RowState& state, const float* out, const Expected& row, bool with_dropped) {
  if (state.kept != row.kept) return kInfinite;
  if (row.kept == 0) return state.kept_sum == 0 ? 0 : kInfinite;
  const double scaled = state.kept_sum * std::exp(static_cast<double>(state.shift) - row.largest);
  double worst = std::abs(scaled / row.weight - 1);
  for (std::size_t i = 0; i < row.mean.size(); ++i)
    worst = std::max(worst, std::abs(static_cast<double>(out[i]) / state.kept_sum - row.mean[i]));
  if (with_dropped && row.dropped > 0) worst = std::max(worst, std::abs(state.dropped_sum / row.dropped - 1));
  return worst;
}

// Thresholds between which rows keep everything, most, some and nothing.
enum class Kept { all, most, few, none, mixed };

float threshold_of(Kept kept, std::int64_t r) {
  constexpr float kLevels[] = {-1e30F, -1.5F, 2.5F, 1e30F};
  const int level = kept == Kept::mixed ? static_cast<int>(r % 4) : static_cast<int>(kept);
  return kLevels[level];
}

}  // namespace

TEST_CASE("a tile's rows are the softmax over what they keep, in double precision", "[kernels][tiles]") {
  testing::at_every_instruction_set([] {
    for (const KvType type : {KvType::f32, KvType::f16, KvType::bf16, KvType::int8})
      for (const std::int64_t dim : {4, 20, 64})
        for (const std::int64_t rows : {1, 7, 48}) {
          constexpr std::int64_t kKeys = 200;
          TileWorld world(rows, dim, kKeys, type);
          for (const Kept kept : {Kept::all, Kept::most, Kept::few, Kept::none, Kept::mixed})
            for (const double cap : {0.0, 3.0}) {
              for (std::int64_t r = 0; r < rows; ++r) {
                const auto at = static_cast<std::size_t>(r);
                world.theta[at] = threshold_of(kept, r);
                world.visible[at] = static_cast<std::int32_t>(kKeys - rows + r + 1);
                world.hidden[at] = static_cast<std::int32_t>(r % 3 == 2 ? 70 + r : 0);
              }
              std::vector<RowState> states(static_cast<std::size_t>(rows));
              std::vector<float> out(static_cast<std::size_t>(rows * dim));
              AttentionTile tile = world.tile(0, kKeys);
              tile.soft_cap = static_cast<float>(cap);
              tile.chosen = TileThresholds{world.theta.data(), world.theta.data(), true, true};
              attend_tile(tile, {states.data(), out.data()}, *world.scratch);
              double worst = 0;
              for (std::int64_t r = 0; r < rows; ++r) {
                const auto at = static_cast<std::size_t>(r);
                const Expected row = expected_row(world, r, 0, world.hidden[at], world.visible[at],
                                                  static_cast<double>(world.theta[at]), cap);
                worst = std::max(worst, difference(states[at], &out[static_cast<std::size_t>(r * dim)], row,
                                                   world.theta[at] > -1e29F && world.theta[at] < 1e29F));
              }
              INFO("dim " << dim << ", rows " << rows << ", kept " << static_cast<int>(kept) << ", cap "
                          << cap);
              CHECK(worst < 2e-5);
            }
        }
  });
}

TEST_CASE("without thresholds a tile is dense", "[kernels][tiles]") {
  testing::at_every_instruction_set([] {
    TileWorld world(13, 36, 77, KvType::f32);
    std::vector<std::uint64_t> kept(kTileKeys / 64);
    for (std::int64_t r = 0; r < world.rows; ++r)
      world.visible[static_cast<std::size_t>(r)] = static_cast<std::int32_t>(65 + r);
    std::vector<RowState> states(13);
    std::vector<float> out(13 * 36);
    attend_tile(world.tile(0, 77), {states.data(), out.data(), kept.data()}, *world.scratch);
    double worst = 0;
    for (std::int64_t r = 0; r < world.rows; ++r)
      worst = std::max(worst,
                       difference(states[static_cast<std::size_t>(r)], &out[static_cast<std::size_t>(r * 36)],
                                  expected_row(world, r, 0, 0, 65 + r, -kInfinite, 0), false));
    CHECK(worst < 1e-5);
    CHECK(kept[0] == ~std::uint64_t{0});
    CHECK(kept[1] == (std::uint64_t{1} << 13) - 1);
  });
}

TEST_CASE("tiles one after the other, and tiles joined later, are one row", "[kernels][tiles]") {
  testing::at_every_instruction_set([] {
    constexpr std::int64_t kKeys = kTileKeys + 100;
    TileWorld world(5, 32, kKeys, KvType::f32);
    const auto attend = [&](std::int64_t first, std::int64_t count, std::vector<RowState>& states,
                            std::vector<float>& out) {
      std::fill(world.visible.begin(), world.visible.end(), static_cast<std::int32_t>(count));
      AttentionTile tile = world.tile(first, count);
      tile.chosen = TileThresholds{world.theta.data(), world.theta.data(), true, false};
      attend_tile(tile, {states.data(), out.data()}, *world.scratch);
    };
    for (const Kept kept : {Kept::most, Kept::few, Kept::mixed}) {
      for (std::int64_t r = 0; r < world.rows; ++r)
        world.theta[static_cast<std::size_t>(r)] = threshold_of(kept, r);
      std::vector<RowState> along(5);
      std::vector<RowState> first(5);
      std::vector<RowState> second(5);
      std::vector<float> along_out(5 * 32);
      std::vector<float> first_out(5 * 32);
      std::vector<float> second_out(5 * 32);
      attend(0, kTileKeys, along, along_out);
      attend(kTileKeys, 100, along, along_out);
      attend(0, kTileKeys, first, first_out);
      attend(kTileKeys, 100, second, second_out);
      for (std::size_t r = 0; r < 5; ++r) {
        join_rows(second[r], &second_out[r * 32], 32, first[r], &first_out[r * 32]);
        const double theta = static_cast<double>(world.theta[r]);
        const Expected row = expected_row(world, static_cast<std::int64_t>(r), 0, 0, kKeys, theta, 0);
        const bool finite = std::abs(theta) < 1e29;
        CHECK(difference(along[r], &along_out[r * 32], row, finite) < 2e-5);
        CHECK(difference(first[r], &first_out[r * 32], row, finite) < 2e-5);
      }
    }
  });
}

TEST_CASE("a list of the kept gives the bytes of the tile that would keep them", "[kernels][tiles]") {
  testing::at_every_instruction_set([] {
    TileWorld world(1, 24, 300, KvType::f32);
    world.visible[0] = 300;
    for (const float theta : {-1.5F, 1.0F, 2.5F}) {
      world.theta[0] = theta;
      RowState by_tile;
      RowState by_list;
      std::vector<float> tile_out(24);
      std::vector<float> list_out(24);
      AttentionTile tile = world.tile(0, 300);
      tile.chosen = TileThresholds{world.theta.data(), world.theta.data()};
      attend_tile(tile, {&by_tile, tile_out.data()}, *world.scratch);
      std::vector<float> scores(304);
      score_rows(world.q.data(), 1, 24, world.packed.data(), 24, 300, 0.375F, scores.data(), 304);
      std::vector<float> values(300 + 2 * kKeyBlock);
      std::vector<std::int32_t> indices(300 + 2 * kKeyBlock);
      const std::int64_t count = compact_above({scores.data(), 300}, theta, indices.data(), values.data());
      attend_listed({.scores = values.data(),
                     .indices = indices.data(),
                     .count = count,
                     .theta = theta,
                     .visible = 300,
                     .values = world.v.data(),
                     .head_dim = 24},
                    by_list, list_out.data());
      CHECK(by_list.kept == by_tile.kept);
      CHECK(by_list.kept_sum == by_tile.kept_sum);
      CHECK(by_list.shift == by_tile.shift);
      CHECK(list_out == tile_out);
      double dropped = 0;
      for (std::int64_t j = 0; j < 300; ++j)
        if (scores[static_cast<std::size_t>(j)] <= theta)
          dropped +=
              std::exp(static_cast<double>(scores[static_cast<std::size_t>(j)]) - static_cast<double>(theta));
      CHECK(dropped_sum({scores.data(), 300}, theta) == Approx(dropped).epsilon(1e-5));
    }
  });
}

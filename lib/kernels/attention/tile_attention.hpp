// Attention of a tile of rows to a tile of keys, fused: scores, selection by threshold, exponentials and the
// sum of V in one pass, joined to the result of the tiles before. The functions work on plain memory,
// allocate nothing in the steady state, and know nothing of policies or models.
//
// After some tiles, the state of a row is (shift, kept_sum, out), where out is the sum of e^(s - shift) V
// over what was kept so far. A tile that keeps few keys of a row weighs them relative to the row's threshold.
// A tile that keeps many, or whose scores are so far above the threshold that exponentials might overflow,
// weighs them relative to its own largest kept score. A tile is then joined as out * e^(shift - new) + tile *
// e^(its shift - new). So the result of a row depends on the row and on where tiles begin. It does not depend
// on other rows, on the thread, or on whether tiles were computed one after the other or joined later
// (join_rows).
#pragma once
#include <cstdint>
#include <limits>
#include <optional>
#include <span>
#include <variant>
#include <vector>

#include "kernels/attention/int8_bounds.hpp"
#include "kernels/attention/kv_type.hpp"
#include "kernels/attention/narrow_keys.hpp"
#include "kernels/attention/score_rows.hpp"

namespace toptheta {

inline constexpr std::int64_t kTileKeys = 512;
inline constexpr std::int64_t kTileRows = 48;

struct RowState {
  float shift = -std::numeric_limits<float>::infinity();  // exponentials are relative to this score
  std::int64_t kept = 0;
  double kept_sum = 0;     // sum over the kept of e^(s - shift)
  double dropped_sum = 0;  // sum over the dropped of e^(s - theta); only if want_dropped
  float largest = -std::numeric_limits<float>::infinity();  // of the kept scores; only if want_largest
};

// The keys of a tile that remain candidates after the test of their codes. Where too many remain, the whole
// tile is scored instead.
struct CandidateScratch {
  static constexpr std::int64_t kLeast = 8;  // at most one key in 8 may remain
  static constexpr std::int64_t kCost = 5;   // a candidate costs as much as this many scores of a whole tile
  // Each row's list is padded to whole vectors.
  static constexpr std::int64_t kSize = kTileRows * (kTileKeys / kLeast + kKeyBlock) + kKeyBlock;
  alignas(64) std::int32_t positions[kSize];
  alignas(64) float scores[kSize];
  std::uint8_t rows[kSize];        // the row of each vector
  std::int32_t counts[kTileRows];  // candidates of each row
};

// What the rows of a tile keep, as one list. Rows that keep a large part of the tile are handled separately.
struct KeptScratch {
  static constexpr std::int64_t kSize = kTileRows * kTileKeys * 2 / 5 + 2 * kKeyBlock;
  alignas(64) std::int32_t places[kSize];
  alignas(64) float weights[kSize];
  std::int64_t counts[kTileRows];  // of each row, in order
  float largest[kTileRows];
};

// Working memory for one tile, which a thread reuses.
struct TileScratch {
  static constexpr std::int64_t kStride =
      kTileKeys + 16;  // not a power of two, so that rows fall into different cache sets
  alignas(64) float scores[kTileRows * kStride];
  alignas(64) std::uint64_t marks[kTileRows * kTileKeys / 64];
  alignas(64) float weights[kTileKeys + 16];
  alignas(64) std::int32_t indices[kTileKeys + 16];
  KeptScratch kept;
  CandidateScratch candidates;
  std::vector<float> wide;  // widened keys or V rows
  std::vector<float> sums;  // [kTileRows][head_dim] sums of a tile before they are joined
  // For the tests that rule out keys before they are read.
  std::vector<float> parts;         // [2][rows][head_dim] the positive and the negative part of q
  std::int64_t pages_seen = 0;      // how many pages were tested by their bounds
  std::int64_t pages_skipped = 0;   // how many of these were ruled out
  std::int64_t keys_seen = 0;       // how many scores were tested by codes
  std::int64_t keys_saved = 0;      // how many scores that saved, minus the cost of the candidates
  std::int64_t positions_seen = 0;  // how many keys were tested by codes
  std::int64_t positions_left = 0;  // how many of these are a candidate for some row
  // The fraction of the tested keys that are a candidate for some row; 0 where none was tested.
  [[nodiscard]] float candidate_share() const {
    if (positions_seen == 0) return 0;
    return static_cast<float>(positions_left) / static_cast<float>(positions_seen);
  }
};

// Rows of queries, `stride` elements apart.
struct TileQueries {
  const float* rows = nullptr;
  std::int64_t stride = 0;
  // The same queries in bf16; `rows` then holds the rounded values as floats. Scores with bf16 keys are dot
  // products of bfloat16 (bf16_scores.hpp). Null: queries are not rounded.
  const std::uint16_t* bf16 = nullptr;

  [[nodiscard]] const float* row(std::int64_t r) const { return rows + r * stride; }
};

// Packed keys from the tile's first position on: floats (score_rows.hpp), or the 16 or 8 bits that the cache
// stores (narrow_keys.hpp). The latter are widened as they are read, in pieces that stay in the first-level
// cache.
using TileKeys = std::variant<const float*, NarrowKeys>;

// Values from the tile's first position on, [keys][head_dim]: floats, or 16 or 8 bits. Of the latter, the
// rows that are kept are widened into their places in NarrowRows::wide, [kTileKeys][head_dim].
using TileValues = std::variant<const float*, NarrowRows>;

// How rows select keys.
struct TileThresholds {
  const float* theta = nullptr;  // [rows] scores above this are kept
  const float* before_cap =
      nullptr;                // [rows] before_soft_cap() of theta, for comparison with bounds of scores
  bool want_dropped = false;  // sum the exponentials of the dropped scores; then no key may be skipped
  bool want_largest = false;  // record the largest kept score
};

// For each page of kPageKeys keys, the largest and the smallest value per dimension, [head_dim][pages of a
// tile].
struct TileBounds {
  const float* largest = nullptr;
  const float* smallest = nullptr;
  float magnitude = 0;          // the largest |value| of the tile's keys, or more
  std::int64_t first_page = 0;  // the page with which the AttentionTile's keys begin
};
inline constexpr std::int64_t kPageKeys = kTileKeys / kKeyBlock;  // so that a tile has kKeyBlock pages

// The tile's keys in 8 bits, and row by row for those that remain candidates.
struct TileCodes {
  KeyCodes keys;
  const QueryCodes* queries = nullptr;
  const float* key_rows = nullptr;  // [keys][head_dim]
};

// What is known about a tile's keys before they are read, so that keys at or below every threshold need not
// be read. These are upper bounds of scores: what they rule out would have been dropped, so results are the
// same to the bit.
struct TileIndex {
  std::optional<TileBounds> bounds{};
  std::optional<TileCodes> codes{};
};

// Some rows and a tile of keys.
struct AttentionTile {
  TileQueries queries{};
  std::int64_t rows = 0;  // at most kTileRows
  TileKeys keys{};
  TileValues values{};
  std::int64_t head_dim = 0;              // a multiple of 4
  std::int64_t num_keys = 0;              // keys up to the last that some row sees; at most kTileKeys
  float scale = 1;                        // score = scale * (q . k)
  float soft_cap = 0;                     // scores become soft_cap * tanh(s / soft_cap); 0: no cap
  const std::int32_t* visible = nullptr;  // [rows] keys of the tile up to the row's position
  const std::int32_t* hidden = nullptr;  // [rows] how many of these, at the beginning, a sliding window hides
  std::optional<TileThresholds> chosen{};  // nullopt: all keys are kept
  TileIndex index{};                       // used if keys are chosen and not want_dropped
  bool from_memory = false;                // keys and values are not expected in a cache: prefetch them

  // How many keys of the tile the row sees.
  [[nodiscard]] std::int64_t seen(std::int64_t r) const { return visible[r] - hidden[r]; }
  [[nodiscard]] const float* theta() const { return chosen->theta; }
  [[nodiscard]] const NarrowRows* narrow_values() const { return std::get_if<NarrowRows>(&values); }
  // [keys][head_dim] the memory from which values are read after widening.
  [[nodiscard]] const float* value_rows() const {
    const NarrowRows* const narrow = narrow_values();
    return narrow != nullptr ? narrow->wide : std::get<const float*>(values);
  }
};

// The result, to which tiles of keys are added.
struct TileSums {
  RowState* states = nullptr;  // [rows]
  float* out = nullptr;        // [rows][head_dim]
  std::uint64_t* kept_union =
      nullptr;  // [kTileKeys / 64] the bits of keys that some row kept are set; may be null
};

// Adds one tile of keys to the rows' states. Time: rows * num_keys * head_dim for the scores (a sixteenth of
// that for bounds, and a quarter for codes, of the keys that the bounds leave); the same again for V where
// everything is kept, otherwise in proportion to what is kept.
void attend_tile(const AttentionTile& tile, const TileSums& sums, TileScratch& scratch);

// Adds the state and out of later tiles to `state` and `out`. Tiles must be added in the order of positions.
void join_rows(const RowState& from, const float* from_out, std::int64_t head_dim, RowState& state,
               float* out);

// Whether attend_tile() supports this head_dim; others are computed row by row.
constexpr bool tiles_serve(std::int64_t head_dim) {
  return head_dim % 4 == 0;
}

// The kept keys of a row within one tile, as lists with ascending positions.
struct ListedKeys {
  float* scores = nullptr;                // [count], with room for kKeyBlock more; overwritten
  const std::int32_t* indices = nullptr;  // [count] positions in the sequence
  std::int64_t count = 0;
  float theta = 0;                // the row's threshold; only keys that are always kept may be below it
  std::int64_t first = 0;         // the tile's first position
  std::int64_t visible = 0;       // keys of the tile up to the row's position
  std::int64_t hidden = 0;        // how many of these, at the beginning, a sliding window hides from the row
  const float* values = nullptr;  // [keys][head_dim], from the tile's first position
  std::int64_t head_dim = 0;
};

// Adds the listed keys of a tile to a row's state. The result has the same bytes as attend_tile() with a
// threshold that keeps these keys.
void attend_listed(const ListedKeys& keys, RowState& state, float* out);

// The sum of e^(s - theta) over the entries s of `row` at or below theta.
double dropped_sum(std::span<const float> row, float theta);

}  // namespace toptheta

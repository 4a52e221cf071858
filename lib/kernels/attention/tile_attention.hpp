// Attention of a tile of rows over a tile of keys, fused: scores, selection by threshold, exponentials and
// the sum of V in one go, joined to what the tiles before it left. Free functions over plain memory: no
// allocation, no policy, no model.
//
// A row's state after some tiles is (shift, kept_sum, out): out = sum of e^(s - shift) V over the kept so
// far. A tile weighs relative to the row's threshold where it keeps few, and to its own largest kept score
// where it keeps many, or where scores are so far above the threshold that exponentials might overflow; then
// it is joined, out * e^(shift - new) + tile * e^(tile's - new). So a row's result depends on the row and on
// where tiles begin, never on the other rows, on the thread, or on whether tiles ran one after the other or
// were joined later (join_rows).
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
  float shift = -std::numeric_limits<float>::infinity();  // what exponentials are relative to
  std::int64_t kept = 0;
  double kept_sum = 0;     // sum over the kept of e^(s - shift)
  double dropped_sum = 0;  // sum over the dropped of e^(s - theta); only where asked for
  float largest = -std::numeric_limits<float>::infinity();  // of the kept scores; only where asked for
};

// The candidates that codes leave of a tile: at most a part of it, or the tile is scored as a whole.
struct CandidateScratch {
  static constexpr std::int64_t kLeast = 8;  // one key in so many
  static constexpr std::int64_t kCost = 5;   // one costs as much as so many scores of a whole tile
  // Each row's are filled up to whole vectors.
  static constexpr std::int64_t kSize = kTileRows * (kTileKeys / kLeast + kKeyBlock) + kKeyBlock;
  alignas(64) std::int32_t positions[kSize];
  alignas(64) float scores[kSize];
  std::uint8_t rows[kSize];        // of each vector's
  std::int32_t counts[kTileRows];  // of a row
};

// What the rows of a tile keep, as one list: at most a part of it, or the rows that keep more have lists of
// their own.
struct KeptScratch {
  static constexpr std::int64_t kSize = kTileRows * kTileKeys * 2 / 5 + 2 * kKeyBlock;
  alignas(64) std::int32_t places[kSize];
  alignas(64) float weights[kSize];
  std::int64_t counts[kTileRows];  // of each row, in their order
  float largest[kTileRows];
};

// Memory of one tile that a thread reuses.
struct TileScratch {
  static constexpr std::int64_t kStride = kTileKeys + 16;  // apart from a power of two: cache sets
  alignas(64) float scores[kTileRows * kStride];
  alignas(64) std::uint64_t marks[kTileRows * kTileKeys / 64];
  alignas(64) float weights[kTileKeys + 16];
  alignas(64) std::int32_t indices[kTileKeys + 16];
  KeptScratch kept;
  std::vector<float> wide;  // some of the keys of fewer bits, or of such V rows
  std::vector<float> sums;  // [kTileRows][head_dim] of a tile, before they are joined
  // Prefilters.
  std::vector<float> parts;  // [rows][head_dim] the positive, then the negative part of q
  CandidateScratch candidates;
  std::int64_t pages_seen = 0;  // how often a page's bound was asked, and how often it ruled the page out
  std::int64_t pages_skipped = 0;
  std::int64_t keys_seen = 0;       // how many scores codes were to rule out
  std::int64_t keys_saved = 0;      // how many that spared, less what the candidates cost
  std::int64_t positions_seen = 0;  // the same of keys, left where some row's candidate
  std::int64_t positions_left = 0;
  // The fraction of the keys that are a candidate of some row; 0 where none was asked about.
  [[nodiscard]] float candidate_share() const {
    if (positions_seen == 0) return 0;
    return static_cast<float>(positions_left) / static_cast<float>(positions_seen);
  }
};

// Rows of queries, `stride` elements apart.
struct TileQueries {
  const float* rows = nullptr;
  std::int64_t stride = 0;
  // The same as bf16, which `rows` then holds as floats: scores with keys of bf16 are dot products of
  // bfloat16 (bf16_scores.hpp). Null: queries are not rounded.
  const std::uint16_t* bf16 = nullptr;

  [[nodiscard]] const float* row(std::int64_t r) const { return rows + r * stride; }
};

// Keys from the tile's first position on, packed: floats (score_rows.hpp), or what the cache holds of them in
// fewer bits (narrow_keys.hpp), which is widened as it is read, a piece that stays in the first-level cache
// at a time.
using TileKeys = std::variant<const float*, NarrowKeys>;

// Values from the tile's first position on, [keys][head_dim]: floats, or fewer bits, of which the rows that
// are kept are widened into their places in NarrowRows::wide, [kTileKeys][head_dim].
using TileValues = std::variant<const float*, NarrowRows>;

// What rows choose by.
struct TileThresholds {
  const float* theta = nullptr;       // [rows] scores above it are kept
  const float* before_cap = nullptr;  // [rows] before_soft_cap() of theta, which bounds compare with
  bool want_dropped = false;          // sum up the exponentials of the dropped: nothing can be left unread
  bool want_largest = false;          // note the largest kept score
};

// Pages of kPageKeys keys: largest and smallest value per dimension, [head_dim][pages of a tile].
struct TileBounds {
  const float* largest = nullptr;
  const float* smallest = nullptr;
  float magnitude = 0;          // no |value| of the tile's keys is larger
  std::int64_t first_page = 0;  // the one that an AttentionTile's keys begin with
};
inline constexpr std::int64_t kPageKeys = kTileKeys / kKeyBlock;  // so that a tile's pages fill a key block

// The tile's keys in 8 bits, and row by row for those that the codes leave.
struct TileCodes {
  KeyCodes keys;
  const QueryCodes* queries = nullptr;
  const float* key_rows = nullptr;  // [keys][head_dim]
};

// What is known of a tile's keys before they are read, so that those at or below every threshold need not be.
// Upper bounds on scores: what they rule out would have been dropped, so results are the same to the bit.
struct TileIndex {
  std::optional<TileBounds> bounds{};
  std::optional<TileCodes> codes{};
};

// Rows over a tile of keys.
struct AttentionTile {
  TileQueries queries{};
  std::int64_t rows = 0;  // at most kTileRows
  TileKeys keys{};
  TileValues values{};
  std::int64_t head_dim = 0;               // a multiple of 4
  std::int64_t num_keys = 0;               // keys that some row sees: at most kTileKeys
  float scale = 1;                         // of scores
  float soft_cap = 0;                      // they become soft_cap * tanh(s / soft_cap); 0: they stay
  const std::int32_t* visible = nullptr;   // [rows] keys of the tile up to the row's position
  const std::int32_t* hidden = nullptr;    // [rows] of these, the first ones that a sliding window hides
  std::optional<TileThresholds> chosen{};  // nullopt: everything is kept
  TileIndex index{};                       // used where something is chosen and the dropped are not wanted
  bool from_memory = false;                // keys are not expected in a cache: prefetch them

  // Keys of the tile that the row sees.
  [[nodiscard]] std::int64_t seen(std::int64_t r) const { return visible[r] - hidden[r]; }
  [[nodiscard]] const float* theta() const { return chosen->theta; }
  [[nodiscard]] const NarrowRows* narrow_values() const { return std::get_if<NarrowRows>(&values); }
  // [keys][head_dim] where values are read once they are wide.
  [[nodiscard]] const float* value_rows() const {
    const NarrowRows* const narrow = narrow_values();
    return narrow != nullptr ? narrow->wide : *std::get_if<const float*>(&values);
  }
};

// What the tiles of keys add up to.
struct TileSums {
  RowState* states = nullptr;           // [rows]
  float* out = nullptr;                 // [rows][head_dim]
  std::uint64_t* kept_union = nullptr;  // [kTileKeys / 64] positions that some row kept are set; may be null
};

// Adds one tile of keys to the rows' states. Time: rows * num_keys * head_dim for the scores (a sixteenth of
// it for the bounds, a quarter for the codes, of what bounds leave), the same again for V where everything is
// kept, else in proportion to the kept.
void attend_tile(const AttentionTile& tile, const TileSums& sums, TileScratch& scratch);

// state, out += a later tile's state and out, in the order of positions.
void join_rows(const RowState& from, const float* from_out, std::int64_t head_dim, RowState& state,
               float* out);

// Whether attend_tile serves this head_dim; others go row by row.
constexpr bool tiles_serve(std::int64_t head_dim) {
  return head_dim % 4 == 0;
}

// The kept of a row within one tile, as lists of ascending positions.
struct ListedKeys {
  float* scores = nullptr;                // [count], room for kKeyBlock more; left holding exponentials
  const std::int32_t* indices = nullptr;  // [count] positions in the sequence
  std::int64_t count = 0;
  float theta = 0;                // the row's threshold: none of the list is below unless kept in any case
  std::int64_t first = 0;         // the tile's first position
  std::int64_t visible = 0;       // keys of the tile up to the row's position
  std::int64_t hidden = 0;        // of these, the first ones that a sliding window hides from the row
  const float* values = nullptr;  // [keys][head_dim], from the tile's first position
  std::int64_t head_dim = 0;
};

// Adds a tile's listed keys to a row's state: the same bytes as attend_tile with a threshold that keeps them.
void attend_listed(const ListedKeys& keys, RowState& state, float* out);

// Sum over entries of `row` at or below theta of e^(s - theta).
double dropped_sum(std::span<const float> row, float theta);

}  // namespace toptheta

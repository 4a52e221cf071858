// The arithmetic of attention rows, vectorised for the processor at run time. Free functions over plain
// memory: no allocation, no policy, no model. All of it is deterministic: a result depends on the row, never
// on the tile or thread that computed it.
#pragma once
#include <cstdint>
#include <span>

namespace toptheta {

// Keys are packed in blocks of this many positions, [block][head_dim][kKeyBlock].
inline constexpr std::int64_t kKeyBlock = 16;

// Writes `rows` keys, row-major with `stride` floats from one to the next, to positions first_position ... of
// `packed`.
void pack_keys(const float* keys, std::int64_t rows, std::int64_t stride, std::int64_t head_dim,
               std::int64_t first_position, float* packed);

// scores[r][j] = scale * (q_r . k_j) for 0 <= r < rows and j < num_keys rounded up to kKeyBlock (the caller
// ignores what lies past its causal limit). q: [rows] of head_dim floats, q_stride apart; scores: [rows,
// score_stride] with score_stride >= num_keys rounded up. The dot product runs over head_dim in order, with
// fused multiply-adds. Time: rows * num_keys * head_dim.
void score_rows(const float* q, std::int64_t rows, std::int64_t q_stride, const float* packed_keys,
                std::int64_t head_dim, std::int64_t num_keys, float scale, float* scores,
                std::int64_t score_stride);

// Largest value; -infinity for an empty row.
float row_max(std::span<const float> row);

// Indices and values of the entries strictly above theta, in order. Both outputs need room for row.size() +
// kKeyBlock. Returns how many there are.
std::int64_t compact_above(std::span<const float> row, float theta, std::int32_t* indices, float* values);

// values[j] = e^(values[j] - shift); returns their sum.
double exp_in_place(std::span<float> values, float shift);

// Sum of e^(row[j] - shift), nothing written.
double exp_sum(std::span<const float> row, float shift);

// out[d] += sum over j of weights[j] * values[j][d], values: [weights.size()] rows of head_dim floats one
// after the other.
void add_weighted_rows(std::span<const float> weights, const float* values, std::int64_t head_dim,
                       float* out);

// The same over the rows that `indices` names: weights[j] belongs to row indices[j].
void add_weighted_rows_at(std::span<const float> weights, std::span<const std::int32_t> indices,
                          const float* values, std::int64_t head_dim, float* out);

}  // namespace toptheta

// The arithmetic of attention rows, vectorised for the processor at run time. The functions work on plain
// memory, allocate nothing, and know nothing of policies or models. They are deterministic: the result of a
// row depends on the row alone, not on the tile or the thread.
#pragma once
#include <cstdint>
#include <span>

#include "kernels/vector/key_block.hpp"

namespace toptheta {

// Packs `rows` keys, row-major with `stride` floats from one to the next, into blocks
// [block][head_dim][kKeyBlock] of `packed`, at the positions from first_position on.
void pack_keys(const float* keys, std::int64_t rows, std::int64_t stride, std::int64_t head_dim,
               std::int64_t first_position, float* packed);

// scores[r][j] = scale * (q_r . k_j) for 0 <= r < rows and 0 <= j < num_keys rounded up to kKeyBlock; the
// caller ignores what lies past its causal limit. q: [rows] of head_dim floats, q_stride apart; packed_keys:
// as pack_keys() writes them; scores: [rows], score_stride apart, with score_stride >= num_keys rounded up.
// The dot product runs over head_dim in order, with fused multiply-adds where the processor has them. Time:
// rows * num_keys * head_dim.
void score_rows(const float* q, std::int64_t rows, std::int64_t q_stride, const float* packed_keys,
                std::int64_t head_dim, std::int64_t num_keys, float scale, float* scores,
                std::int64_t score_stride);

// The largest value; -infinity for an empty row.
float row_max(std::span<const float> row);

// Writes the indices and values of the entries strictly above theta, in order. Both outputs need room for
// row.size() + kKeyBlock elements. Returns how many there are.
std::int64_t compact_above(std::span<const float> row, float theta, std::int32_t* indices, float* values);

// values[j] becomes e^(values[j] - shift). Returns their sum.
double exp_in_place(std::span<float> values, float shift);

// The sum of e^(row[j] - shift); writes nothing.
double exp_sum(std::span<const float> row, float shift);

// out[d] += sum over j of weights[j] * values[j][d]. values: [weights.size()] consecutive rows of head_dim
// floats.
void add_weighted_rows(std::span<const float> weights, const float* values, std::int64_t head_dim,
                       float* out);

// The same with weights[j] for row indices[j] of `values`.
void add_weighted_rows_at(std::span<const float> weights, std::span<const std::int32_t> indices,
                          const float* values, std::int64_t head_dim, float* out);

}  // namespace toptheta

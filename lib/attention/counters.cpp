#include "attention/counters.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>

namespace toptheta {

namespace {
double ratio(double part, double whole) {
  return whole > 0 ? part / whole : 0;
}
}  // namespace

void HeadCount::merge(const HeadCount& other) {
  rows += other.rows;
  visible += other.visible;
  kept += other.kept;
  topk_kept += other.topk_kept;
  lost_mass += other.lost_mass;
  tiles += other.tiles;
  tiles_kept += other.tiles_kept;
}

void GroupCount::merge(const GroupCount& other) {
  rows_needed += other.rows_needed;
  rows_available += other.rows_available;
}

void OutputDifference::merge(const OutputDifference& other) {
  rows += other.rows;
  squared_error += other.squared_error;
  squared_dense += other.squared_dense;
  cosine += other.cosine;
}

double OutputDifference::relative_error() const {
  if (squared_error == 0) return 0;
  return std::sqrt(squared_error / squared_dense);
}

double OutputDifference::mean_cosine() const {
  return rows > 0 ? cosine / static_cast<double>(rows) : 1;
}

AttentionCounts::AttentionCounts(const ModelShape& model_shape)
    : shape(model_shape),
      heads(static_cast<std::size_t>(model_shape.num_layers * model_shape.num_heads)),
      groups(static_cast<std::size_t>(model_shape.num_layers * model_shape.num_kv_heads)) {}

void AttentionCounts::merge(const AttentionCounts& other) {
  if (heads.empty()) *this = AttentionCounts(other.shape);
  for (std::size_t i = 0; i < other.heads.size(); ++i)
    heads[i].merge(other.heads[i]);
  for (std::size_t i = 0; i < other.groups.size(); ++i)
    groups[i].merge(other.groups[i]);
  if (outputs.size() < other.outputs.size()) outputs.resize(other.outputs.size());
  for (std::size_t i = 0; i < other.outputs.size(); ++i)
    outputs[i].merge(other.outputs[i]);
}

OutputDifference AttentionCounts::output() const {
  OutputDifference total;
  for (const OutputDifference& one : outputs)
    total.merge(one);
  return total;
}

const HeadCount& AttentionCounts::head(std::int64_t layer, std::int64_t head) const {
  return heads[static_cast<std::size_t>(layer * shape.num_heads + head)];
}

const GroupCount& AttentionCounts::group(std::int64_t layer, std::int64_t kv_head) const {
  return groups[static_cast<std::size_t>(layer * shape.num_kv_heads + kv_head)];
}

AttentionCounts AttentionCounts::layer(std::int64_t index) const {
  ModelShape one_layer = shape;
  one_layer.num_layers = 1;
  AttentionCounts one(one_layer);
  const auto first_head = heads.begin() + index * shape.num_heads;
  const auto first_group = groups.begin() + index * shape.num_kv_heads;
  one.heads.assign(first_head, first_head + shape.num_heads);
  one.groups.assign(first_group, first_group + shape.num_kv_heads);
  if (outputs.empty()) return one;
  const auto first_output = outputs.begin() + index * shape.num_heads;
  one.outputs.assign(first_output, first_output + shape.num_heads);
  return one;
}

double AttentionCounts::kept_elements() const {
  HeadCount total;
  for (const HeadCount& head : heads)
    total.merge(head);
  return ratio(static_cast<double>(total.kept), static_cast<double>(total.visible));
}

double AttentionCounts::v_rows() const {
  GroupCount total;
  for (const GroupCount& group : groups)
    total.merge(group);
  return ratio(static_cast<double>(total.rows_needed), static_cast<double>(total.rows_available));
}

double AttentionCounts::effective_k_ratio() const {
  double sum_of_logs = 0;
  std::int64_t counted = 0;
  for (const HeadCount& head : heads) {
    if (head.topk_kept == 0) continue;
    sum_of_logs += std::log(static_cast<double>(head.kept) / static_cast<double>(head.topk_kept));
    ++counted;
  }
  return counted > 0 ? std::exp(sum_of_logs / static_cast<double>(counted)) : 1;
}

double AttentionCounts::lost_mass() const {
  HeadCount total;
  for (const HeadCount& head : heads)
    total.merge(head);
  return ratio(total.lost_mass, static_cast<double>(total.rows));
}

double AttentionCounts::tile_sparsity() const {
  HeadCount total;
  for (const HeadCount& head : heads)
    total.merge(head);
  return ratio(static_cast<double>(total.tiles - total.tiles_kept), static_cast<double>(total.tiles));
}

SequenceCounts::SequenceCounts(const ModelShape& shape, std::int64_t capacity, Phase phase, TileSize tile)
    : phase_(phase),
      words_((capacity + 63) / 64),
      counts_(shape),
      tile_(tile),
      tile_rows_(counts_.heads.size()) {
  if (phase == Phase::prefill)
    bits_.resize(static_cast<std::size_t>(words_ * shape.num_layers * shape.num_kv_heads));
}

void SequenceCounts::add_row(std::int64_t layer, std::int64_t head, const HeadCount& row) {
  counts_.heads[static_cast<std::size_t>(layer * counts_.shape.num_heads + head)].merge(row);
}

void SequenceCounts::add_output(std::int64_t layer, std::int64_t head, const OutputDifference& rows) {
  counts_.outputs.resize(counts_.heads.size());
  counts_.outputs[static_cast<std::size_t>(layer * counts_.shape.num_heads + head)].merge(rows);
}

void SequenceCounts::TileRow::count(HeadCount& head) const {
  if (index < 0) return;
  head.tiles += end - first;
  head.tiles_kept += std::count(kept.begin(), kept.end(), true);
}

void SequenceCounts::add_kept(std::int64_t layer, std::int64_t head, const KeptPositions& rows) {
  const auto at = static_cast<std::size_t>(layer * counts_.shape.num_heads + head);
  TileRow& row = tile_rows_[at];
  const std::int64_t index = rows.position / tile_rows();
  if (row.index != index) {
    row.count(counts_.heads[at]);
    row.index = index;
    row.first = rows.first_key / tile_.keys;
    row.kept.clear();
  }
  row.end = (rows.end + tile_.keys - 1) / tile_.keys;
  row.kept.resize(static_cast<std::size_t>(row.end), false);
  for (std::size_t w = 0; w < rows.bits.size(); ++w)
    for (std::uint64_t word = rows.bits[w]; word != 0;) {
      const std::int64_t key = static_cast<std::int64_t>(w * 64) + std::countr_zero(word);
      const std::int64_t tile = key / tile_.keys;
      row.kept[static_cast<std::size_t>(tile)] = true;
      // Clears the bits up to the next tile or the end of the word.
      const std::int64_t next = (tile + 1) * tile_.keys - static_cast<std::int64_t>(w * 64);
      word = next >= 64 ? 0 : word & (~std::uint64_t{0} << next);
    }
}

void SequenceCounts::add_group(std::int64_t layer, std::int64_t kv_head,
                               std::span<const std::uint64_t> kept_bits, std::int64_t visible) {
  const auto group = static_cast<std::size_t>(layer * counts_.shape.num_kv_heads + kv_head);
  if (phase_ == Phase::decode) {
    GroupCount step{0, visible};
    for (const std::uint64_t word : kept_bits)
      step.rows_needed += std::popcount(word);
    counts_.groups[group].merge(step);
    return;
  }
  length_ = std::max(length_, visible);
  std::uint64_t* const bits = bits_.data() + group * static_cast<std::size_t>(words_);
  const auto words = static_cast<std::size_t>((visible + 63) / 64);
  for (std::size_t w = 0; w < words; ++w)
    bits[w] |= kept_bits[w];
}

AttentionCounts SequenceCounts::totals() const {
  AttentionCounts result = counts_;
  for (std::size_t i = 0; i < tile_rows_.size(); ++i)
    tile_rows_[i].count(result.heads[i]);
  if (phase_ == Phase::decode || length_ == 0) return result;
  for (std::size_t group = 0; group < result.groups.size(); ++group) {
    const std::uint64_t* const bits = bits_.data() + group * static_cast<std::size_t>(words_);
    std::int64_t needed = 0;
    for (std::int64_t w = 0; w < words_; ++w)
      needed += std::popcount(bits[w]);
    result.groups[group] = {needed, length_};
  }
  return result;
}

}  // namespace toptheta

// Random attention scores, fed to a RowSink as a prefill would feed them.
#pragma once
#include <algorithm>
#include <cstdint>
#include <numeric>
#include <vector>

#include "core/parallel.hpp"
#include "core/random.hpp"
#include "core/rows.hpp"

namespace toptheta::testing {

// Scores of a prefill of `tokens` tokens; entries past the causal limit hold garbage.
class RandomScores {
 public:
  RandomScores(std::int64_t layers, std::int64_t heads, std::int32_t tokens, std::uint64_t seed)
      : layers_(layers), heads_(heads), tokens_(tokens), lengths_(static_cast<std::size_t>(tokens)) {
    std::iota(lengths_.begin(), lengths_.end(), 1);
    Random random(seed);
    scores_.resize(static_cast<std::size_t>(layers * heads) * tokens * tokens);
    for (float& score : scores_)
      score = static_cast<float>(12 * random.uniform() - 6);
  }

  [[nodiscard]] std::int64_t layers() const { return layers_; }
  [[nodiscard]] std::int64_t heads() const { return heads_; }
  [[nodiscard]] std::int32_t tokens() const { return tokens_; }
  // One row of scores, of the given length.
  [[nodiscard]] std::span<float> row(std::int64_t layer, std::int64_t head, std::int32_t length) {
    return {scores_.data() + offset(layer, head) + (length - 1) * tokens_, static_cast<std::size_t>(length)};
  }
  // Rows first ... first + count - 1 of one head.
  [[nodiscard]] RowBlock block(std::int64_t layer, std::int64_t head, std::int32_t first,
                               std::int32_t count) const {
    return {layer, head, scores_.data() + offset(layer, head) + first * tokens_, tokens_,
            std::span(lengths_).subspan(static_cast<std::size_t>(first), static_cast<std::size_t>(count))};
  }
  // Everything, all heads of a layer at once, `rows` rows to a block.
  void feed(RowSink& sink, std::int32_t rows) const {
    for (std::int64_t layer = 0; layer < layers_; ++layer)
      parallel_for(heads_, [&](std::int64_t head) {
        for (std::int32_t first = 0; first < tokens_; first += rows)
          sink.add(block(layer, head, first, std::min(rows, tokens_ - first)));
      });
  }

 private:
  [[nodiscard]] std::int64_t offset(std::int64_t layer, std::int64_t head) const {
    return (layer * heads_ + head) * tokens_ * tokens_;
  }

  std::int64_t layers_;
  std::int64_t heads_;
  std::int32_t tokens_;
  std::vector<std::int32_t> lengths_;
  std::vector<float> scores_;  // [layers, heads, tokens, tokens]
};

}  // namespace toptheta::testing

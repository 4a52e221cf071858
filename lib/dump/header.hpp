// What an attention dump says about itself (docs/formats.md, "Attention dump").
#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "core/shape.hpp"

namespace toptheta {

inline constexpr std::string_view kDumpFormat = "toptheta.attention-dump";

enum class DumpContent {
  scores,  // attention scores, quadratic in the sequence length
  qk,      // queries and keys after rotary embedding, linear in it
};
template <>
inline constexpr auto kNames<DumpContent> =
    std::to_array<Named<DumpContent>>({{DumpContent::qk, "qk"}, {DumpContent::scores, "scores"}});

struct DumpHeader {
  DumpContent content = DumpContent::scores;
  Placement placement = Placement::pre_softmax;  // of the scores; qk is always pre-softmax
  ModelShape shape{};
  double scale = 1;     // qk: factor between q.k and the score
  std::string model{};  // names for people; may be empty
  std::string producer{};
  std::int64_t topk_at_calibration = 0;  // the k applied while dumping; 0: dense
  // [num_layers * num_heads] logits beside the scores in the softmax's denominator, -infinity where a head
  // has none; empty: the model has no sinks, or the rows were taken after the softmax.
  std::vector<float> sinks{};
};

}  // namespace toptheta

// The attributes of an attention dump (docs/formats.md, "Attention dump").
#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "core/shape.hpp"

namespace toptheta {

inline constexpr std::string_view kDumpFormat = "toptheta.attention-dump";

enum class DumpContent {
  scores,  // attention scores; size quadratic in the sequence length
  qk,      // queries and keys after rotary embedding; size linear in it
};
template <>
inline constexpr auto kNames<DumpContent> =
    std::to_array<Named<DumpContent>>({{DumpContent::qk, "qk"}, {DumpContent::scores, "scores"}});

struct DumpHeader {
  DumpContent content = DumpContent::scores;
  Placement placement = Placement::pre_softmax;  // of the scores; qk is always pre-softmax
  ModelShape shape{};
  double scale = 1;     // qk: score = scale * (q . k)
  std::string model{};  // for people to read; may be empty
  std::string producer{};
  std::int64_t topk_at_calibration = 0;  // the k of the top-k attention while dumping; 0: dense
  // [num_layers * num_heads] the sink logit of each head, which takes part in the softmax's denominator
  // beside the scores (core/rows.hpp); -infinity where a head has none. Empty: the model has no sinks, or the
  // rows hold softmax weights.
  std::vector<float> sinks{};
};

}  // namespace toptheta

// What an attention dump says about itself (docs/formats.md, "Attention dump").
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "core/shape.hpp"

namespace toptheta {

inline constexpr std::string_view kDumpFormat = "toptheta.attention-dump";

enum class DumpContent {
  scores,  // attention scores, quadratic in the sequence length
  qk,      // queries and keys after rotary embedding, linear in it
};
enum class DumpPhase { prefill, decode };

// "scores", "qk"; "prefill", "decode".
constexpr std::string_view name_of(DumpContent content) {
  return content == DumpContent::scores ? "scores" : "qk";
}
constexpr std::string_view name_of(DumpPhase phase) {
  return phase == DumpPhase::prefill ? "prefill" : "decode";
}
constexpr std::optional<DumpContent> dump_content_from_name(std::string_view name) {
  if (name == "scores") return DumpContent::scores;
  if (name == "qk") return DumpContent::qk;
  return std::nullopt;
}
constexpr std::optional<DumpPhase> dump_phase_from_name(std::string_view name) {
  if (name == "prefill") return DumpPhase::prefill;
  if (name == "decode") return DumpPhase::decode;
  return std::nullopt;
}

struct DumpHeader {
  DumpContent content = DumpContent::scores;
  Placement placement = Placement::pre_softmax;  // of the scores; qk is always pre-softmax
  ModelShape shape{};
  double scale = 1;     // qk: factor between q.k and the score
  std::string model{};  // names for people; may be empty
  std::string producer{};
  std::int64_t topk_at_calibration = 0;  // the k applied while dumping; 0: dense
};

}  // namespace toptheta

// A model's attention written to a dump (docs/formats.md, "Attention dump").
#pragma once
#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "dump/writer.hpp"
#include "model/language_model.hpp"

namespace toptheta {

struct DumpPlan {
  DumpContent content = DumpContent::qk;
  DumpOptions file{};
  double row_fraction = 1;
  std::uint64_t seed = 0;
  std::int64_t topk_at_calibration = 0;  // top-k applied to every row after it was recorded; 0: dense
  std::string producer{};
  std::function<void(std::int64_t done, std::int64_t total)> progress{};
};

// One sample per window, named by its number. Rows are drawn as calibration draws them, from the same seed.
// The target appears when all is written.
void dump_attention(LanguageModel& model, const std::vector<std::vector<std::int32_t>>& windows,
                    const DumpPlan& plan, const std::filesystem::path& target);

}  // namespace toptheta

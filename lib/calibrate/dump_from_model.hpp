// A model and texts -> an attention dump.
#pragma once
#include <filesystem>
#include <vector>

#include "calibrate/model_texts.hpp"
#include "calibrate/options.hpp"
#include "dump/writer.hpp"

namespace toptheta {

struct ModelDumpOptions {
  DumpContent content = DumpContent::qk;
  DumpOptions file{};
  bool values = false;      // qk: record V too
  double row_fraction = 1;  // of the rows longer than min_k
  std::int64_t min_k = 0;   // rows up to this length, dense for every k from it on, are not recorded
  std::uint64_t seed = 0;
  std::int64_t topk = 0;  // attend by top-k while recording; 0: dense
  std::vector<LayerK> layer_k{};
  StageProgress progress{};
};

struct ModelDump {
  std::int64_t samples = 0;
  std::int64_t rows = 0;  // query positions recorded
};

// One sample per window, named by its number. Rows are drawn as calibrate_from_model() draws them for a
// smallest k of min_k. Throws UsageError where no row is longer than min_k, InputError where the content
// cannot hold the model's scores: queries and keys those with soft caps, any those of a layer whose window is
// shorter than a text.
ModelDump dump_from_model(LanguageModel& model, const std::vector<TextWindow>& windows,
                          const std::filesystem::path& path, const ModelDumpOptions& options);

}  // namespace toptheta

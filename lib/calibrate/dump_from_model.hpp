// Records an attention dump while a model reads texts.
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
  bool values = false;      // content qk: record V too
  double row_fraction = 1;  // share of the rows longer than min_k to record
  std::int64_t min_k = 0;  // rows of up to min_k keys, which are dense for every k >= min_k, are not recorded
  std::uint64_t seed = 0;  // of the draw of rows
  std::int64_t topk = 0;   // attend by exact top-k while recording; 0: dense
  std::vector<LayerK> layer_k{};
  StageProgress progress{};
};

struct ModelDump {
  std::int64_t samples = 0;
  std::int64_t rows = 0;  // query positions recorded
};

// Writes one sample per window, named by its number; windows without a row longer than min_k are left out.
// Rows are drawn exactly as calibrate_from_model() draws them when its smallest k is min_k. Throws UsageError
// if no row at all is longer than min_k, InputError for content qk of a model whose scores cannot be
// recomputed from queries and keys, and for any content where a layer sees a window shorter than a text.
ModelDump dump_from_model(LanguageModel& model, const std::vector<TextWindow>& windows,
                          const std::filesystem::path& path, const ModelDumpOptions& options);

}  // namespace toptheta

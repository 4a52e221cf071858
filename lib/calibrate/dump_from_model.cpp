#include "calibrate/dump_from_model.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "calibration/row_sampler.hpp"
#include "core/error.hpp"
#include "core/provenance.hpp"

namespace toptheta {

namespace {

class QueryKeyRecorder final : public LayerObserver {
 public:
  QueryKeyRecorder(DumpWriter& writer, bool values) : writer_(writer), values_(values) {}
  void on_layer(const LayerInputs& inputs) override {
    writer_.add_queries_keys({.layer = inputs.layer,
                              .first_position = inputs.first_position,
                              .rows = inputs.rows,
                              .q = inputs.q,
                              .k = inputs.k,
                              .v = values_ ? inputs.v : nullptr});
  }

 private:
  DumpWriter& writer_;
  bool values_;
};

// The forward pass hands out scores one head and one piece of the window at a time, but a dump needs each
// layer complete before the next begins. For `scores`, a window is therefore run as a single piece.
void record(LanguageModel& model, const TextWindow& window, KvCache& cache, const ResolvedPolicy& policy,
            DumpWriter& writer, const ModelDumpOptions& options) {
  if (options.content == DumpContent::qk) {
    QueryKeyRecorder recorder(writer, options.values);
    run_window(model.transformer, window, cache, policy, {.layers = &recorder});
    return;
  }
  cache.truncate(0);
  const auto tokens = static_cast<std::int64_t>(window.tokens.size());
  model.transformer.forward(
      window.tokens, cache, policy,
      {.attention = {.scores = &writer}, .first_logit_row = tokens, .chunk_rows = tokens});
}

// A reader of a `qk` dump recomputes scores as scale * q k^T over all keys up to the query's own, and cannot
// do more: soft caps, windows and scales of single layers would be lost.
void require_plain_scores(const ModelConfig& config) {
  const auto fails = [&](const std::string& what) {
    throw InputError({.where = fmt::format("model {}", config.name),
                      .what = "its scores are more than queries times keys",
                      .expected = "a model without soft caps and scales by layer",
                      .found = what,
                      .next = "record scores instead: --content scores"});
  };
  if (config.score_cap != 0) fails(fmt::format("scores capped at {}", config.score_cap));
  for (const LayerKind& layer : config.layers)
    if (layer.score_factor != 1) fails("layers whose scores have their own scale");
}

// A dump's row of position n has n + 1 keys: it has no place for keys that the row does not see.
void require_whole_rows(const ModelConfig& config, std::int64_t longest) {
  for (const LayerKind& layer : config.layers)
    if (layer.window > 0 && layer.window < longest)
      throw InputError({.where = fmt::format("model {}", config.name),
                        .what = "a dump cannot hold the rows of layers that see a window of keys",
                        .expected = fmt::format("texts of at most {} tokens", layer.window),
                        .found = fmt::format("{} tokens", longest),
                        .next = "calibrate from the model itself (fit --model), or set --context"});
}

DumpHeader header_of(const LanguageModel& model, const ModelDumpOptions& options) {
  const ModelConfig& config = model.transformer.config();
  if (options.content == DumpContent::qk) require_plain_scores(config);
  DumpHeader header;
  header.content = options.content;
  header.shape = config.shape;
  // Rounded to float, because the transformer multiplies by it as a float.
  header.scale = static_cast<double>(static_cast<float>(config.attention_scale()));
  header.model = config.name;
  header.producer = fmt::format("tt-calibrate {}", version());
  header.topk_at_calibration = options.topk;
  header.sinks = model.transformer.sinks();
  return header;
}

ResolvedPolicy policy_of(const ModelShape& shape, const ModelDumpOptions& options) {
  if (options.topk == 0) return dense_policy(shape);
  const Policy topk{.selection = Selection::topk, .k = options.topk, .layer_k = options.layer_k};
  return ResolvedPolicy(topk, shape, 0, nullptr, "");
}

}  // namespace

ModelDump dump_from_model(LanguageModel& model, const std::vector<TextWindow>& windows,
                          const std::filesystem::path& path, const ModelDumpOptions& options) {
  const ModelShape& shape = model.transformer.config().shape;
  std::size_t longest = 0;
  for (const TextWindow& window : windows)
    longest = std::max(longest, window.tokens.size());
  if (static_cast<std::int64_t>(longest) <= options.min_k)
    throw UsageError({.where = fmt::format("-k {}", options.min_k),
                      .what = "no row is longer than k: there is nothing to record",
                      .expected = fmt::format("rows of more than {} keys", options.min_k),
                      .found = fmt::format("at most {}", longest),
                      .next = "choose a smaller k, or longer texts"});
  require_whole_rows(model.transformer.config(), static_cast<std::int64_t>(longest));
  const ResolvedPolicy policy = policy_of(shape, options);
  RowSampler sampler(options.row_fraction, options.seed, options.min_k);
  KvCache cache = model.transformer.new_cache(static_cast<std::int64_t>(longest));
  DumpWriter writer(path, header_of(model, options), options.file);
  ModelDump summary;
  for (const TextWindow& window : windows) {
    const auto tokens = static_cast<std::int64_t>(window.tokens.size());
    std::vector<std::int32_t> lengths(window.tokens.size());
    for (std::size_t i = 0; i < lengths.size(); ++i)
      lengths[i] = static_cast<std::int32_t>(i + 1);
    DumpSampleInfo sample{.name = fmt::format("{:06}", summary.samples),
                          .kv_len = tokens,
                          .source = window.source,
                          .tokens = window.tokens};
    for (const std::int64_t row : sampler.draw(lengths))
      sample.positions.push_back(static_cast<std::int32_t>(row));
    if (sample.positions.empty()) continue;  // all rows are dense
    writer.begin_sample(sample);
    record(model, window, cache, policy, writer, options);
    ++summary.samples;
    summary.rows += static_cast<std::int64_t>(sample.positions.size());
    if (options.progress)
      options.progress("recording", summary.samples, static_cast<std::int64_t>(windows.size()), "windows");
  }
  writer.finish();
  return summary;
}

}  // namespace toptheta

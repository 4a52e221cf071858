#include "eval/dump_run.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "calibration/row_sampler.hpp"

namespace toptheta {

namespace {

class QueryKeyRecorder final : public LayerObserver {
 public:
  explicit QueryKeyRecorder(DumpWriter& writer) : writer_(writer) {}
  void on_layer(const LayerInputs& in) override {
    writer_.add_queries_keys({in.layer, in.first_position, in.rows, in.q, in.k, in.v});
  }

 private:
  DumpWriter& writer_;
};

DumpHeader header_of(const LanguageModel& model, const DumpPlan& plan) {
  const ModelConfig& config = model.transformer.config();
  DumpHeader header;
  header.content = plan.content;
  header.shape = config.shape;
  header.scale = 1 / std::sqrt(static_cast<double>(config.shape.head_dim));
  header.model = config.name;
  header.producer = plan.producer;
  header.topk_at_calibration = plan.topk_at_calibration;
  return header;
}

ResolvedPolicy policy_of(const LanguageModel& model, const DumpPlan& plan) {
  const ModelShape& shape = model.transformer.config().shape;
  if (plan.topk_at_calibration == 0) return dense_policy(shape);
  return ResolvedPolicy({.selection = Selection::topk, .k = plan.topk_at_calibration}, shape, 0, nullptr, "");
}

// Positions to record, ascending; empty for all.
std::vector<std::int32_t> drawn_positions(RowSampler& sampler, std::size_t tokens, double fraction) {
  if (fraction >= 1) return {};
  std::vector<std::int32_t> lengths(tokens);
  for (std::size_t i = 0; i < tokens; ++i)
    lengths[i] = static_cast<std::int32_t>(i) + 1;
  std::vector<std::int32_t> positions;
  for (const std::int64_t row : sampler.draw(lengths))
    positions.push_back(static_cast<std::int32_t>(row));
  return positions;
}

}  // namespace

void dump_attention(LanguageModel& model, const std::vector<std::vector<std::int32_t>>& windows,
                    const DumpPlan& plan, const std::filesystem::path& target) {
  const ResolvedPolicy policy = policy_of(model, plan);
  DumpWriter writer(target, header_of(model, plan), plan.file);
  QueryKeyRecorder recorder(writer);
  RowSampler sampler(plan.row_fraction, plan.seed, 0);
  for (std::size_t w = 0; w < windows.size(); ++w) {
    const auto length = static_cast<std::int64_t>(windows[w].size());
    writer.begin_sample({.name = fmt::format("{:06}", w),
                         .kv_len = length,
                         .tokens = windows[w],
                         .positions = drawn_positions(sampler, windows[w].size(), plan.row_fraction)});
    KvCache cache(model.transformer.config().shape, length);
    ForwardOptions options;
    if (plan.content == DumpContent::qk)
      options.layers = &recorder;
    else
      options.attention.scores = &writer;
    model.transformer.forward(windows[w], cache, policy, options);
    if (plan.progress)
      plan.progress(static_cast<std::int64_t>(w) + 1, static_cast<std::int64_t>(windows.size()));
  }
  writer.finish();
}

}  // namespace toptheta

#include "calibrate/model_source.hpp"

#include <algorithm>
#include <numeric>

#include "calibrate/selected_rows.hpp"

namespace toptheta {

namespace {

std::int64_t longest(const std::vector<TextWindow>& windows) {
  std::size_t tokens = 0;
  for (const TextWindow& window : windows)
    tokens = std::max(tokens, window.tokens.size());
  return static_cast<std::int64_t>(tokens);
}

}  // namespace

ModelSource::ModelSource(LanguageModel& model, const std::vector<TextWindow>& windows, Placement placement,
                         std::vector<LayerK> layer_k, std::int64_t context, const KeptEnds& kept)
    : model_(model),
      windows_(windows),
      placement_(placement),
      layer_k_(std::move(layer_k)),
      kept_(kept),
      cache_(model.transformer.new_cache(longest(windows))) {
  description_ = {.shape = model.transformer.config().shape,
                  .model = model.transformer.config().name,
                  .context = context,
                  .weights = {},
                  .unit = "windows"};
  for (const TextWindow& window : windows)
    description_.weights.push_back(static_cast<std::int64_t>(window.tokens.size()));
}

std::vector<std::int32_t> ModelSource::lengths(std::int64_t sample) {
  std::vector<std::int32_t> lengths(windows_[static_cast<std::size_t>(sample)].tokens.size());
  std::iota(lengths.begin(), lengths.end(), 1);
  return lengths;
}

ResolvedPolicy ModelSource::policy_of(std::int64_t topk) const {
  const ModelShape& shape = description_.shape;
  if (topk == 0) return dense_policy(shape);
  // Top-k visits no tiles, so it has no running-softmax placement: it keeps the k largest softmax weights.
  const Placement placement = placement_ == Placement::running_softmax ? Placement::post_softmax : placement_;
  // A policy's k counts only what it chooses beside the ends kept in any case; here k counts all that is
  // kept.
  std::vector<LayerK> layer_k = layer_k_;
  for (LayerK& layer : layer_k)
    if (layer.k != kDenseK) layer.k -= kept_.count();
  const Policy policy{.selection = Selection::topk,
                      .placement = placement,
                      .k = topk - kept_.count(),
                      .layer_k = std::move(layer_k),
                      .keep_first = kept_.first,
                      .keep_recent = kept_.recent};
  return {policy, shape, 0, nullptr, ""};
}

void ModelSource::stream(std::int64_t sample, std::span<const std::int32_t> lengths, std::int64_t topk,
                         RowSink& sink) {
  SelectedRows selected(sink);
  if (!lengths.empty()) selected.select(lengths);
  run_window(model_.transformer, windows_[static_cast<std::size_t>(sample)], cache_, policy_of(topk),
             {.attention = {.scores = &selected}});
}

}  // namespace toptheta

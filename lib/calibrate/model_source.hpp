// The attention rows of a model that reads windows of text, as a RowSource.
#pragma once
#include <vector>

#include "calibrate/model_texts.hpp"
#include "calibrate/row_source.hpp"

namespace toptheta {

class ModelSource final : public RowSource {
 public:
  // The model and the windows must outlive this object. `placement`, `layer_k` and `kept` (the positions kept
  // in any case) say how stream() applies top-k where it is asked to; `context` is that of text_windows().
  ModelSource(LanguageModel& model, const std::vector<TextWindow>& windows, Placement placement,
              std::vector<LayerK> layer_k, std::int64_t context, const KeptEnds& kept = {});

  [[nodiscard]] const SourceDescription& description() const override { return description_; }
  std::vector<std::int32_t> lengths(std::int64_t sample) override;
  void stream(std::int64_t sample, std::span<const std::int32_t> lengths, std::int64_t topk,
              RowSink& sink) override;

 private:
  [[nodiscard]] ResolvedPolicy policy_of(std::int64_t topk) const;

  LanguageModel& model_;
  const std::vector<TextWindow>& windows_;
  Placement placement_;
  std::vector<LayerK> layer_k_;
  KeptEnds kept_;
  SourceDescription description_;
  KvCache cache_;
};

}  // namespace toptheta

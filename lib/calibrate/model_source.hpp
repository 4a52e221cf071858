// Windows of text that a model reads while its attention rows are observed.
#pragma once
#include <vector>

#include "calibrate/model_texts.hpp"
#include "calibrate/row_source.hpp"

namespace toptheta {

class ModelSource final : public RowSource {
 public:
  // The model and the windows must outlive this object. `placement` and `layer_k` say how top-k is applied
  // where it is asked for, beside what is kept in any case; `context` is that of text_windows().
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

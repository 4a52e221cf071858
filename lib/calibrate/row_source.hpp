// The interface through which calibration gets its rows, from attention dumps or from a model that reads
// texts.
#pragma once
#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "core/rows.hpp"
#include "core/shape.hpp"

namespace toptheta {

struct SourceDescription {
  ModelShape shape;
  Placement row_content = Placement::pre_softmax;
  std::string model;                     // a name for people to read
  std::int64_t topk_at_calibration = 0;  // the k that was applied when the dumps were made; 0: dense
  std::int64_t context = 0;              // the --context of the texts; 0: the model's own, and for dumps
  std::vector<std::int64_t> weights;     // [samples] the work that each takes, in any common unit
  std::vector<std::int64_t> bytes{};     // [samples] bytes to read for each; empty if nothing is read
  std::string unit = "samples";          // what progress and messages call a sample, in the plural
};

// Samples are numbered from 0, in the same order in every process.
class RowSource {
 public:
  using ReadProgress = std::function<void(std::int64_t bytes)>;

  RowSource() = default;
  RowSource(const RowSource&) = delete;
  RowSource& operator=(const RowSource&) = delete;
  virtual ~RowSource() = default;

  [[nodiscard]] virtual const SourceDescription& description() const = 0;
  // Sets a callback that receives, from any thread, the number of bytes that stream() has finished with since
  // the last call. Sources that read no files never call it.
  // NOLINTNEXTLINE(performance-unnecessary-value-param): by value, because implementations keep it
  virtual void on_read([[maybe_unused]] ReadProgress progress) {}
  // The lengths of the sample's rows over all of its layers, each once, ascending.
  virtual std::vector<std::int32_t> lengths(std::int64_t sample) = 0;
  // Sends the sample's rows of these lengths (empty: all rows), of every layer and head, to the sink. If
  // `topk` > 0, the model applies exact top-k to each row after it was observed; dumps require topk == 0.
  virtual void stream(std::int64_t sample, std::span<const std::int32_t> lengths, std::int64_t topk,
                      RowSink& sink) = 0;
};

}  // namespace toptheta

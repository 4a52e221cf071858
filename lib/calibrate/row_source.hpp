// Where calibration gets its rows from: attention dumps, or a model that reads texts.
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
  std::string model;                     // a name for people
  std::int64_t topk_at_calibration = 0;  // the k that was applied when the rows were taken; 0: dense
  std::int64_t context = 0;              // tokens that the model saw at once; 0 for dumps
  std::vector<std::int64_t> weights;     // [samples] how much work each is, in any unit
  std::vector<std::int64_t> bytes{};     // [samples] to read for each; empty where it is no matter of reading
  std::string unit = "samples";          // what a sample is called
};

// Samples are counted from 0 in an order that every process sees alike.
class RowSource {
 public:
  using ReadProgress = std::function<void(std::int64_t bytes)>;

  RowSource() = default;
  RowSource(const RowSource&) = delete;
  RowSource& operator=(const RowSource&) = delete;
  virtual ~RowSource() = default;

  [[nodiscard]] virtual const SourceDescription& description() const = 0;
  // Called with the bytes of a sample that stream() is through with, from any thread, where there are bytes.
  virtual void on_read([[maybe_unused]] ReadProgress progress) {}
  // Lengths of the sample's rows over all of its layers, each once, ascending.
  virtual std::vector<std::int32_t> lengths(std::int64_t sample) = 0;
  // Sends the sample's rows of these lengths, of every layer and head (all rows where `lengths` is empty), to
  // the sink. `topk` > 0: the model attends by exact top-k after a row is observed; dumps cannot.
  virtual void stream(std::int64_t sample, std::span<const std::int32_t> lengths, std::int64_t topk,
                      RowSink& sink) = 0;
};

}  // namespace toptheta

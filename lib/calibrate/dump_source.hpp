// The samples of attention dumps as a RowSource, file by file.
#pragma once
#include <filesystem>
#include <memory>
#include <optional>
#include <vector>

#include "calibrate/row_source.hpp"
#include "dump/reader.hpp"

namespace toptheta {

class DumpSource final : public RowSource {
 public:
  // Opens every file once to see what it holds. Throws InputError for a file that is not a dump, and for
  // files that differ in the model's shape, placement, sink logits or top-k at calibration.
  explicit DumpSource(std::vector<std::filesystem::path> paths);

  [[nodiscard]] const SourceDescription& description() const override { return description_; }
  void on_read(ReadProgress progress) override;
  // The number of the sample's rows for one head, summed over its layers.
  [[nodiscard]] std::int64_t rows(std::int64_t sample) const {
    return rows_[static_cast<std::size_t>(sample)];
  }
  // The largest DumpReader::memory() over all files; opens each of them again.
  [[nodiscard]] ReadMemory memory() const;
  // Applies DumpReader::limit_memory() to files opened from now on.
  void limit_memory(std::int64_t bytes) { memory_limit_ = bytes; }
  std::vector<std::int32_t> lengths(std::int64_t sample) override;
  void stream(std::int64_t sample, std::span<const std::int32_t> lengths, std::int64_t topk,
              RowSink& sink) override;

 private:
  struct Place {
    std::size_t file;
    std::size_t sample;  // its index in the file
  };
  // The reader of the sample's file; one file is open at a time.
  const DumpReader& open(const Place& place);

  std::vector<std::filesystem::path> paths_;
  std::vector<Place> places_;
  std::vector<std::int64_t> rows_;  // [samples]
  SourceDescription description_;
  ReadProgress progress_{};
  std::optional<std::int64_t> memory_limit_{};
  std::size_t open_file_ = 0;
  std::unique_ptr<DumpReader> reader_;
};

// The row lengths (query position + 1) that occur in any layer of a sample, each once, ascending.
std::vector<std::int32_t> sample_lengths(const DumpReader& dump, std::size_t sample);
// Streams the rows of these lengths (ascending; empty: all rows) of every layer of a sample.
void stream_sample(const DumpReader& dump, std::size_t sample, std::span<const std::int32_t> lengths,
                   RowSink& sink);

}  // namespace toptheta

// The samples of attention dumps, file by file.
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
  // Opens every file once to see what it holds. Throws InputError for files that do not fit each other.
  explicit DumpSource(std::vector<std::filesystem::path> paths);

  [[nodiscard]] const SourceDescription& description() const override { return description_; }
  void on_read(ReadProgress progress) override;
  // Rows of the sample, of one head in all of its layers.
  [[nodiscard]] std::int64_t rows(std::int64_t sample) const {
    return rows_[static_cast<std::size_t>(sample)];
  }
  // DumpReader::memory() over all files, and its limit.
  [[nodiscard]] ReadMemory memory() const;
  void limit_memory(std::int64_t bytes) { memory_limit_ = bytes; }
  std::vector<std::int32_t> lengths(std::int64_t sample) override;
  void stream(std::int64_t sample, std::span<const std::int32_t> lengths, std::int64_t topk,
              RowSink& sink) override;

 private:
  struct Place {
    std::size_t file;
    std::size_t sample;  // in the file
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

// Query positions of a sample's layers, each once, ascending; as row lengths.
std::vector<std::int32_t> sample_lengths(const DumpReader& dump, std::size_t sample);
// Streams the rows of these lengths (all where empty) of every layer of a sample.
void stream_sample(const DumpReader& dump, std::size_t sample, std::span<const std::int32_t> lengths,
                   RowSink& sink);

}  // namespace toptheta

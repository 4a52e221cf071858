// Chunks of a data set as they stand in the file, for readers who undo the filters themselves.
#pragma once
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "io/hdf5.hpp"

namespace toptheta::hdf5 {

// Filters in the order in which they were applied.
enum class ChunkFilter { shuffle, deflate };

class ChunkedDataset {
 public:
  // Nothing where the HDF5 library must read: not chunked, another byte order than the machine's, filters but
  // shuffle and deflate.
  static std::optional<ChunkedDataset> of(Dataset dataset);

  [[nodiscard]] const Dataset& dataset() const { return dataset_; }
  [[nodiscard]] const Dims& chunk() const { return chunk_; }
  [[nodiscard]] std::int64_t chunk_bytes() const { return chunk_bytes_; }  // of a decoded chunk, edges too
  [[nodiscard]] const std::vector<ChunkFilter>& filters() const { return filters_; }
  // Dataset::stored_bytes(): no chunk takes more as stored.
  [[nodiscard]] std::int64_t all_stored_bytes() const { return all_stored_bytes_; }

  // The next two may be called from any thread; one call at a time gets on. They throw InputError naming the
  // data set and the chunk, which begins at `offset`.
  // Bytes of a chunk as stored, 0 for one that was never written.
  [[nodiscard]] std::int64_t stored_bytes(const Dims& offset) const;
  // Reads these bytes; `out` is exactly as large. Bit i of the result is set where filter i was not applied.
  std::uint32_t read(const Dims& offset, std::span<std::byte> out) const;

 private:
  explicit ChunkedDataset(Dataset dataset) : dataset_(std::move(dataset)) {}

  Dataset dataset_;
  Dims chunk_;
  std::int64_t chunk_bytes_ = 0;
  std::vector<ChunkFilter> filters_;
  std::int64_t all_stored_bytes_ = 0;
  bool complete_ = false;  // every chunk is there, and as large as decoded: none need be looked up
};

}  // namespace toptheta::hdf5

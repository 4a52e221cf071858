// The chunks of a data set as the file stores them, for readers who undo the filters themselves.
#pragma once
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "io/hdf5.hpp"

namespace toptheta::hdf5 {

// The filters that are undone here.
enum class ChunkFilter { shuffle, deflate };

class ChunkedDataset {
 public:
  // Nothing where only the HDF5 library can read the data set: not chunked, not in the machine's byte order,
  // or with filters other than shuffle and deflate. Throws InputError.
  static std::optional<ChunkedDataset> of(Dataset dataset);

  [[nodiscard]] const Dataset& dataset() const { return dataset_; }
  [[nodiscard]] const Dims& chunk() const { return chunk_; }
  [[nodiscard]] std::int64_t chunk_bytes() const {
    return chunk_bytes_;
  }  // of a decoded chunk, also at the edges
  [[nodiscard]] const std::vector<ChunkFilter>& filters() const { return filters_; }
  // The bytes that all chunks together take as stored.
  [[nodiscard]] std::int64_t all_stored_bytes() const { return all_stored_bytes_; }

  // The next two functions may be called from any thread; one call runs at a time. They throw InputError
  // naming the data set and the chunk, which begins at element `offset`.
  //
  // The bytes of a chunk as stored; 0 where it was never written.
  [[nodiscard]] std::int64_t stored_bytes(const Dims& offset) const;
  // Reads these bytes; out.size() must be their number. Bit i of the result is set where filter i was not
  // applied.
  std::uint32_t read(const Dims& offset, std::span<std::byte> out) const;

 private:
  explicit ChunkedDataset(Dataset dataset) : dataset_(std::move(dataset)) {}

  Dataset dataset_;
  Dims chunk_;
  std::int64_t chunk_bytes_ = 0;
  std::vector<ChunkFilter> filters_;
  std::int64_t all_stored_bytes_ = 0;
  bool complete_ = false;  // every chunk is there and stored unfiltered, so that none need be looked up
};

}  // namespace toptheta::hdf5

#include "io/hdf5_chunks.hpp"

#include <fmt/format.h>
#include <hdf5.h>

#include <algorithm>
#include <array>
#include <mutex>

#include "core/error.hpp"
#include "io/hdf5_error.hpp"
#include "io/hdf5_type.hpp"

namespace toptheta::hdf5 {

namespace {

// The library keeps global state, so only one thread of the process may call it at a time. Where it was built
// with threads, each thread has its own error printing, which must be turned off.
class LibraryCall {
 public:
  LibraryCall() : lock_(mutex()) { H5Eset_auto2(H5E_DEFAULT, nullptr, nullptr); }

 private:
  static std::mutex& mutex() {
    static std::mutex mutex;
    return mutex;
  }
  std::lock_guard<std::mutex> lock_;
};

// Nothing where a filter is applied that we do not undo.
std::optional<std::vector<ChunkFilter>> filters_of(std::int64_t list, std::int64_t element_bytes) {
  std::vector<ChunkFilter> filters;
  const int count = H5Pget_nfilters(list);
  for (int i = 0; i < count; ++i) {
    unsigned flags = 0;
    unsigned config = 0;
    std::array<unsigned, 8> values{};
    std::size_t used = values.size();
    const H5Z_filter_t id =
        H5Pget_filter2(list, static_cast<unsigned>(i), &flags, &used, values.data(), 0, nullptr, &config);
    if (id == H5Z_FILTER_DEFLATE)
      filters.push_back(ChunkFilter::deflate);
    else if (id == H5Z_FILTER_SHUFFLE && used == 1 && values[0] == static_cast<unsigned>(element_bytes))
      filters.push_back(ChunkFilter::shuffle);
    else
      return std::nullopt;
  }
  const bool known = filters.size() < 2 || filters == std::vector{ChunkFilter::shuffle, ChunkFilter::deflate};
  return known ? std::optional(std::move(filters)) : std::nullopt;
}

}  // namespace

std::optional<ChunkedDataset> ChunkedDataset::of(Dataset dataset) {
  ChunkedDataset result(std::move(dataset));
  const Dataset& data = result.dataset_;
  result.chunk_ = data.chunk();
  if (result.chunk_.empty() || size_of(data.element()) == 0) return std::nullopt;
  const Handle type =
      check_reading(H5Dget_type(data.id()), H5Tclose, data.where(), "cannot read the element type");
  if (H5Tget_order(type.id()) != H5Tget_order(H5T_NATIVE_INT)) return std::nullopt;
  const auto element_bytes = size_of(data.element());
  result.chunk_bytes_ = element_bytes;
  for (const std::int64_t side : result.chunk_)
    result.chunk_bytes_ *= side;
  const Handle list(H5Dget_create_plist(data.id()), H5Pclose);
  auto filters = filters_of(list.id(), element_bytes);
  if (!filters) return std::nullopt;
  result.filters_ = std::move(*filters);
  std::int64_t chunks = 1;
  for (std::size_t axis = 0; axis < result.chunk_.size(); ++axis)
    chunks *= (data.dims()[axis] + result.chunk_[axis] - 1) / result.chunk_[axis];
  result.all_stored_bytes_ = data.stored_bytes();
  result.complete_ = result.filters_.empty() && result.all_stored_bytes_ == chunks * result.chunk_bytes_;
  return result;
}

std::int64_t ChunkedDataset::stored_bytes(const Dims& offset) const {
  if (complete_) return chunk_bytes_;
  const std::vector<hsize_t> place(offset.begin(), offset.end());
  const LibraryCall call;
  hsize_t bytes = 0;
  if (H5Dget_chunk_storage_size(dataset_.id(), place.data(), &bytes) < 0) {
    // The call fails in the same way for a chunk that was never written and for one that cannot be found.
    H5Eclear2(H5E_DEFAULT);
    unsigned skipped = 0;
    haddr_t address = 0;
    if (H5Dget_chunk_info_by_coord(dataset_.id(), place.data(), &skipped, &address, &bytes) >= 0 &&
        address == HADDR_UNDEF)
      return 0;
    fail_reading(dataset_.where(), fmt::format("cannot find the chunk at {}", format_dims(offset)));
  }
  // A stored chunk may be larger than the decoded one, but not by much.
  if (bytes > 2 * static_cast<hsize_t>(chunk_bytes_) + 4096)
    throw InputError({.where = dataset_.where(),
                      .what = fmt::format("the chunk at {} is impossibly large", format_dims(offset)),
                      .expected = fmt::format("about {} bytes at most", chunk_bytes_),
                      .found = fmt::format("{} bytes", bytes)});
  return static_cast<std::int64_t>(bytes);
}

std::uint32_t ChunkedDataset::read(const Dims& offset, std::span<std::byte> out) const {
  const std::vector<hsize_t> place(offset.begin(), offset.end());
  const LibraryCall call;
  std::uint32_t skipped = 0;
  if (H5Dread_chunk(dataset_.id(), H5P_DEFAULT, place.data(), &skipped, out.data()) < 0)
    fail_reading(dataset_.where(), fmt::format("cannot read the chunk at {}", format_dims(offset)));
  return skipped;
}

}  // namespace toptheta::hdf5

// Finds out which parts of a data set were written: the library silently reads the others as the fill value.
#include <fmt/format.h>
#include <hdf5.h>

#include <algorithm>
#include <cassert>
#include <set>

#include "core/error.hpp"
#include "io/hdf5.hpp"
#include "io/hdf5_error.hpp"

namespace toptheta::hdf5 {

namespace {

// Deflate expands a byte to at most 1032 bytes, and no other supported filter expands more.
constexpr std::int64_t kMostExpansion = 1100;

// "heads 1 to 1, rows 8 to 15, keys 0 to 39"
std::string describe_chunk(const Dims& offset, const Dims& chunk, const Dims& dims,
                           std::span<const std::string_view> axes) {
  std::string text;
  for (std::size_t axis = 0; axis < offset.size(); ++axis) {
    const std::string_view name = axis < axes.size() ? axes[axis] : std::string_view("index");
    const std::int64_t last = std::min(offset[axis] + chunk[axis], dims[axis]) - 1;
    text += axis == 0 ? "" : ", ";
    text += offset[axis] == last ? fmt::format("{} {}", name, last)
                                 : fmt::format("{}s {} to {}", name, offset[axis], last);
  }
  return text;
}

// Advances `place` to the next chunk of the box, in the order of the data set; false after the last one.
bool next_chunk(Dims& place, const Dims& first, const Dims& last, const Dims& chunk) {
  for (std::size_t axis = place.size(); axis-- > 0;) {
    place[axis] += chunk[axis];
    if (place[axis] <= last[axis]) return true;
    place[axis] = first[axis];
  }
  return false;
}

// The stored bytes of the chunk at `place`; 0 where there is none.
std::int64_t chunk_bytes_at(std::int64_t dataset, const Dims& place, const std::string& where) {
  const std::vector<hsize_t> offset(place.begin(), place.end());
  unsigned skipped = 0;
  haddr_t address = HADDR_UNDEF;
  hsize_t bytes = 0;
  if (H5Dget_chunk_info_by_coord(dataset, offset.data(), &skipped, &address, &bytes) < 0)
    fail_reading(where, fmt::format("cannot find the chunk at {}", format_dims(place)));
  return address == HADDR_UNDEF ? 0 : static_cast<std::int64_t>(bytes);
}

// The number of chunks of the complete data set.
std::int64_t chunks_in_all(const Dims& dims, const Dims& chunk) {
  std::int64_t chunks = 1;
  for (std::size_t axis = 0; axis < dims.size(); ++axis)
    chunks *= dims[axis] / chunk[axis] + (dims[axis] % chunk[axis] == 0 ? 0 : 1);
  return chunks;
}

}  // namespace

std::int64_t Dataset::stored_bytes() const {
  const hsize_t bytes = H5Dget_storage_size(id());
  const Handle owner(H5Iget_file_id(id()), H5Fclose);
  unsigned intent = 0;
  hsize_t size = 0;
  const bool grows =
      H5Fget_intent(owner.id(), &intent) >= 0 && (intent & (H5F_ACC_SWMR_READ | H5F_ACC_RDWR)) != 0;
  if (!grows && H5Fget_filesize(owner.id(), &size) >= 0 && bytes > size)
    throw InputError({.where = where(),
                      .what = "the data set takes more space than the file has",
                      .expected = fmt::format("at most {} bytes", size),
                      .found = fmt::format("{} bytes", bytes),
                      .next = "the file is damaged: write it again"});
  return static_cast<std::int64_t>(bytes);
}

void Dataset::require_written(std::span<const Box> boxes, std::span<const std::string_view> axes) const {
  if (size_ == 0) return;
  const std::int64_t stored = stored_bytes();
  const auto fail = [&](std::string found) {
    throw InputError({.where = where(),
                      .what = "elements were never written",
                      .expected = "every element that is read; HDF5 would return fill values for the others",
                      .found = std::move(found),
                      .next = "the program that wrote it did not finish: write it again"});
  };
  if (stored == 0) fail("nothing: the data set was declared, but no element was written");
  const Dims sides = chunk();
  if (sides.empty()) return;
  hsize_t chunks = 0;
  const Handle all = check_reading(H5Dget_space(id()), H5Sclose, where(), "cannot read the shape");
  if (H5Dget_num_chunks(id(), all.id(), &chunks) < 0) fail_reading(where(), "cannot count the chunks");
  std::int64_t most = std::max<std::int64_t>(1, size_of(element_));  // bytes of a decoded chunk
  for (const std::int64_t side : sides)
    most *= side;
  const auto there = static_cast<std::int64_t>(chunks);
  if (there == chunks_in_all(dims_, sides) && stored / there >= most / kMostExpansion) return;
  std::set<Dims> seen;
  for (const Box& box : boxes) {
    assert(box.offset.size() == dims_.size());
    if (std::find(box.count.begin(), box.count.end(), 0) != box.count.end()) continue;
    Dims first;
    Dims last;
    for (std::size_t axis = 0; axis < dims_.size(); ++axis) {
      first.push_back(box.offset[axis] / sides[axis] * sides[axis]);
      last.push_back(box.offset[axis] + box.count[axis] - 1);
    }
    Dims place = first;
    do {
      if (!seen.insert(place).second) continue;
      const std::int64_t bytes = chunk_bytes_at(id(), place, where());
      if (bytes == 0) fail("nothing for " + describe_chunk(place, sides, dims_, axes));
      if (bytes < most / kMostExpansion)
        fail(fmt::format("{} bytes, which cannot hold {}", bytes, describe_chunk(place, sides, dims_, axes)));
    } while (next_chunk(place, first, last, sides));
  }
}

}  // namespace toptheta::hdf5

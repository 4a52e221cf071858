#include "dump/chunk_decoder.hpp"

#include <fmt/format.h>
#include <libdeflate.h>

#include <algorithm>
#include <cassert>
#include <new>

#include "core/error.hpp"
#include "dump/unshuffle.hpp"

namespace toptheta {

namespace {

using hdf5::ChunkedDataset;
using hdf5::ChunkFilter;

[[noreturn]] void refuse(const ChunkedDataset& dataset, const hdf5::Dims& offset, std::string what,
                         std::string expected, std::string found) {
  throw InputError({.where = dataset.dataset().where(),
                    .what = fmt::format("the chunk at {} {}", hdf5::format_dims(offset), what),
                    .expected = std::move(expected),
                    .found = std::move(found),
                    .next = "the file is damaged: write the dump again"});
}

}  // namespace

void ChunkDecoder::Free::operator()(libdeflate_decompressor* decompressor) const {
  libdeflate_free_decompressor(decompressor);
}

ChunkDecoder::ChunkDecoder() : decompressor_(libdeflate_alloc_decompressor()) {
  if (!decompressor_) throw std::bad_alloc();
}
ChunkDecoder::~ChunkDecoder() = default;

void ChunkDecoder::inflate(const ChunkedDataset& dataset, const hdf5::Dims& offset,
                           std::span<const std::byte> stored, std::span<std::byte> out) {
  std::size_t written = 0;
  const libdeflate_result result = libdeflate_zlib_decompress(
      decompressor_.get(), stored.data(), stored.size(), out.data(), out.size(), &written);
  if (result != LIBDEFLATE_SUCCESS && result != LIBDEFLATE_INSUFFICIENT_SPACE)
    refuse(dataset, offset, "cannot be decompressed", "gzip-compressed scores (zlib format)",
           "damaged or truncated data");
  if (result == LIBDEFLATE_INSUFFICIENT_SPACE || written != out.size())
    refuse(dataset, offset, "decompresses to another size", fmt::format("{} bytes", out.size()),
           result == LIBDEFLATE_SUCCESS ? fmt::format("{} bytes", written) : std::string("more"));
}

void ChunkDecoder::read(const ChunkedDataset& dataset, const hdf5::Dims& offset, std::span<std::byte> out) {
  assert(static_cast<std::int64_t>(out.size()) == dataset.chunk_bytes());
  const auto bytes = static_cast<std::size_t>(dataset.stored_bytes(offset));
  if (bytes == 0)
    refuse(dataset, offset, "was never written", "every chunk that holds scores of the rows", "nothing");
  const auto require_whole = [&] {
    if (bytes != out.size())
      refuse(dataset, offset, "has another size", fmt::format("{} bytes", out.size()),
             fmt::format("{} bytes", bytes));
  };
  if (dataset.filters().empty()) {
    require_whole();
    dataset.read(offset, out);
    return;
  }
  if (stored_.size() < bytes) stored_.resize(bytes);
  const std::span<std::byte> stored = std::span(stored_).first(bytes);
  const std::uint32_t skipped = dataset.read(offset, stored);
  bool deflated = false;
  bool shuffled = false;
  for (std::size_t i = 0; i < dataset.filters().size(); ++i)
    if ((skipped >> i & 1U) == 0) (dataset.filters()[i] == ChunkFilter::deflate ? deflated : shuffled) = true;
  if (!deflated) require_whole();
  const auto width = static_cast<std::size_t>(hdf5::size_of(dataset.dataset().element()));
  if (deflated && shuffled) {
    shuffled_.resize(out.size());
    inflate(dataset, offset, stored, shuffled_);
    unshuffle(shuffled_, width, out);
  } else if (deflated) {
    inflate(dataset, offset, stored, out);
  } else if (shuffled) {
    unshuffle(stored, width, out);
  } else {
    std::copy(stored.begin(), stored.end(), out.begin());
  }
}

}  // namespace toptheta

#include "dump/read_memory.hpp"

#include <algorithm>

#include "dump/chunked_scores.hpp"
#include "dump/score_tiles.hpp"
#include "dump/stream.hpp"

namespace toptheta {

namespace {

constexpr std::int64_t kFloat = sizeof(float);

ReadMemory of_queries_keys(const hdf5::Group& layer) {
  const hdf5::Dataset q = layer.open_dataset("q");
  const hdf5::Dataset k = layer.open_dataset("k");
  // As stored, and in float, with the keys in blocks.
  const std::int64_t matrices =
      q.size() * (kFloat + hdf5::size_of(q.element())) + k.size() * (kFloat + hdf5::size_of(k.element()));
  const std::int64_t row = (k.dims()[1] + 16) * kFloat;
  const std::int64_t best = matrices + std::max(row, DumpReader::kBlockBytes);
  return {matrices + row, best, best};
}

ReadMemory of_library(const hdf5::Dataset& scores) {
  const std::int64_t width = hdf5::size_of(scores.element());
  const std::int64_t row = scores.dims()[2] * (kFloat + width);
  std::int64_t chunk = width;
  for (const std::int64_t side : scores.chunk())
    chunk *= side;
  const std::int64_t best =
      std::max(row, 2 * DumpReader::kBlockBytes) + (scores.chunk().empty() ? 0 : kChunkCacheBytes);
  return {row + (scores.chunk().empty() ? 0 : chunk), best, best};
}

}  // namespace

ReadMemory read_memory(const hdf5::Group& layer, const DumpHeader& header, bool mapped, int threads) {
  if (header.content == DumpContent::qk) return of_queries_keys(layer);
  hdf5::Dataset scores = layer.open_dataset("scores");
  if (!mapped) return of_library(scores);
  if (scores.plain_offset()) {
    const std::int64_t tile = std::max(kTileBytes, scores.dims()[2] * kFloat);
    return {tile, tile, tile * threads};
  }
  const auto chunked = hdf5::ChunkedDataset::of(std::move(scores));
  if (!chunked) return of_library(layer.open_dataset("scores"));
  const ChunkMemory memory = chunk_memory(*chunked);
  return {std::min(memory.least, memory.best), memory.best, memory.best * threads};
}

BlockMemory block_memory(std::int64_t bytes, std::int64_t most_block) {
  const std::int64_t block = std::min(most_block, bytes / 4);
  return {block, std::min(kChunkCacheBytes, std::max<std::int64_t>(0, bytes - 2 * block))};
}

}  // namespace toptheta

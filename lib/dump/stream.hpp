// Inside dump: one layer of one sample on its way to a sink.
#pragma once
#include <cstdint>
#include <span>
#include <vector>

#include "core/rows.hpp"
#include "dump/header.hpp"
#include "io/hdf5.hpp"

namespace toptheta {

struct LayerRows {
  hdf5::Group group;  // of the layer
  std::int64_t layer = 0;
  std::int64_t kv_len = 0;
  std::vector<std::int64_t> rows;     // row numbers to stream, ascending
  std::vector<std::int32_t> lengths;  // n of each of them
};

// HDF5 keeps this much of a data set's decoded chunks, so that blocks that cut through chunks decode each
// only once.
inline constexpr std::int64_t kChunkCacheBytes = std::int64_t{256} << 20;

// As DumpReader::stream(), with at most `block_bytes` of scores at a time where a row of a head is not
// larger.
void stream_scores(const LayerRows& layer, const DumpHeader& header, std::int64_t block_bytes,
                   std::int64_t cache_bytes, RowSink& sink);
void stream_queries_keys(const LayerRows& layer, const DumpHeader& header, std::int64_t block_bytes,
                         RowSink& sink);

}  // namespace toptheta

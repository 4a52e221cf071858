// Internal to lib/dump: sends one layer of one sample to a sink, reading through the HDF5 library.
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
  std::vector<std::int64_t> rows;     // the row numbers to send, ascending
  std::vector<std::int32_t> lengths;  // the length n of each of these rows
};

// The bytes of decoded chunks that HDF5 keeps for a data set, so that chunks which several blocks share are
// decoded only once.
inline constexpr std::int64_t kChunkCacheBytes = std::int64_t{256} << 20;

// As DumpReader::stream(), with at most `block_bytes` of scores in memory at a time, or one row of a head if
// that is larger.
void stream_scores(const LayerRows& layer, const DumpHeader& header, std::int64_t block_bytes,
                   std::int64_t cache_bytes, RowSink& sink);
void stream_queries_keys(const LayerRows& layer, const DumpHeader& header, std::int64_t block_bytes,
                         RowSink& sink);

}  // namespace toptheta

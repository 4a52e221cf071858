// Inside dump: what a dump file holds, read from it and checked.
#pragma once
#include <limits>
#include <string>
#include <vector>

#include "dump/reader.hpp"
#include "io/hdf5.hpp"

namespace toptheta {

struct DumpStructure {
  DumpHeader header;
  std::vector<DumpSample> samples;
  std::vector<std::vector<std::string>> layer_links;  // [sample][position in its layers]: the group's name
};

// The first `most` samples, in name order. Throws InputError as DumpReader's constructor does.
DumpStructure read_structure(const hdf5::Group& root,
                             std::int64_t most = std::numeric_limits<std::int64_t>::max());

// Query positions of `rows` rows, as the layer's row_index says or, without one, the last `rows` of kv_len.
// Throws InputError unless they are positions in [0, kv_len) without repetition, one for each row.
std::vector<std::int32_t> read_positions(const hdf5::Group& layer, std::int64_t rows, std::int64_t kv_len);

}  // namespace toptheta

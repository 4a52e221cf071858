// Internal to lib/dump: reads and checks the structure of a dump file.
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
  std::vector<std::vector<std::string>> layer_links;  // [sample][index into its layers] name of the group
};

// Reads the first `most` samples, in name order. Throws InputError as DumpReader's constructor does.
DumpStructure read_structure(const hdf5::Group& root,
                             std::int64_t most = std::numeric_limits<std::int64_t>::max());

// The query positions of a layer's rows, from its row_index or, where it has none, the last `rows` of kv_len
// positions. Throws InputError unless they are different positions in [0, kv_len), one for each row.
std::vector<std::int32_t> read_positions(const hdf5::Group& layer, std::int64_t rows, std::int64_t kv_len);

}  // namespace toptheta

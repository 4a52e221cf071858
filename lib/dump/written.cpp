#include "dump/written.hpp"

#include <algorithm>
#include <vector>

namespace toptheta {

void require_written_scores(const LayerRows& layer, const hdf5::Dataset& scores) {
  const hdf5::Dims chunk = scores.chunk();
  const std::int64_t side = chunk.empty() ? 1 : chunk[1];
  std::vector<hdf5::Box> boxes;  // for each band of chunks, its longest row
  for (std::size_t i = 0; i < layer.rows.size(); ++i) {
    const std::int64_t length = layer.lengths[i];
    if (!boxes.empty() && boxes.back().offset[1] / side == layer.rows[i] / side)
      boxes.back().count[2] = std::max(boxes.back().count[2], length);
    else
      boxes.push_back({{0, layer.rows[i], 0}, {scores.dims()[0], 1, length}});
  }
  scores.require_written(boxes, kScoreAxes);
}

}  // namespace toptheta

#include "dump/stream.hpp"

#include <algorithm>

#include "core/parallel.hpp"
#include "dump/float_dataset.hpp"
#include "dump/row_checks.hpp"
#include "dump/written.hpp"
#include "kernels/attention/score_rows.hpp"

namespace toptheta {

namespace {

std::int64_t quotient_up(std::int64_t a, std::int64_t b) {
  return (a + b - 1) / b;
}

// How a layer is cut into blocks: `heads` heads at a time, and `rows` rows of these at a time.
struct BlockPlan {
  std::int64_t heads = 1;
  std::int64_t rows = 1;
  std::int64_t chunk_cache = 0;
};

BlockPlan plan_blocks(std::int64_t num_heads, std::int64_t kv_len, std::int64_t block_bytes) {
  const std::int64_t row_bytes = kv_len * static_cast<std::int64_t>(sizeof(float));
  BlockPlan plan;
  plan.heads = std::clamp<std::int64_t>(block_bytes / row_bytes, 1, num_heads);
  plan.rows = std::max<std::int64_t>(1, block_bytes / (row_bytes * plan.heads));
  return plan;
}

// For chunked scores: takes only as many heads at a time as have all chunks of their rows in the cache, and
// ends blocks where chunks end as far as possible.
BlockPlan plan_chunked_blocks(const hdf5::Dataset& scores, std::int64_t block_bytes,
                              std::int64_t cache_bytes) {
  const hdf5::Dims& dims = scores.dims();
  BlockPlan plan = plan_blocks(dims[0], dims[2], block_bytes);
  const hdf5::Dims chunk = scores.chunk();
  if (chunk.empty()) return plan;
  const std::int64_t chunk_bytes = chunk[0] * chunk[1] * chunk[2] * hdf5::size_of(scores.element());
  const std::int64_t band_bytes =
      chunk_bytes * quotient_up(dims[2], chunk[2]);  // the heads and rows of a chunk, all keys
  const std::int64_t bands = std::max<std::int64_t>(1, cache_bytes / band_bytes);
  plan.heads = std::min(plan.heads, bands * chunk[0]);
  if (plan.heads > chunk[0]) plan.heads -= plan.heads % chunk[0];
  plan.rows = plan_blocks(plan.heads, dims[2], block_bytes).rows;
  if (plan.rows > chunk[1]) plan.rows -= plan.rows % chunk[1];
  // One more band where a group of heads straddles two chunks.
  const std::int64_t wanted =
      band_bytes * (quotient_up(plan.heads, chunk[0]) + (plan.heads % chunk[0] == 0 ? 0 : 1));
  plan.chunk_cache = std::max(std::min(wanted, cache_bytes), chunk_bytes);
  return plan;
}

// Boxes of these heads and columns, one for each run of consecutive rows.
std::vector<hdf5::Box> boxes_of(std::int64_t first_head, std::int64_t heads,
                                std::span<const std::int64_t> rows, std::int64_t columns) {
  std::vector<hdf5::Box> boxes;
  for (std::size_t i = 0; i < rows.size();) {
    std::size_t end = i + 1;
    while (end < rows.size() && rows[end] == rows[end - 1] + 1)
      ++end;
    boxes.push_back({{first_head, rows[i], 0}, {heads, static_cast<std::int64_t>(end - i), columns}});
    i = end;
  }
  return boxes;
}

// Calls use(first row, number of rows) for each piece of `step` rows of a layer, in order.
template <class Use>
void for_each_piece(const LayerRows& layer, std::int64_t step, const Use& use) {
  const auto rows = static_cast<std::int64_t>(layer.rows.size());
  for (std::int64_t first = 0; first < rows; first += step)
    use(first, std::min(step, rows - first));
}

std::int64_t longest(std::span<const std::int32_t> lengths) {
  return *std::max_element(lengths.begin(), lengths.end());
}

template <class T>
std::span<const T> piece(const std::vector<T>& all, std::int64_t first, std::int64_t count) {
  return std::span(all).subspan(static_cast<std::size_t>(first), static_cast<std::size_t>(count));
}

// Queries and keys of a layer in the layout that score_rows() takes (kernels/attention/score_rows.hpp).
struct QueryKeyMatrices {
  std::int64_t head_dim = 0;
  std::int64_t key_floats = 0;  // of one KV head
  std::vector<float> queries;   // [num_heads, selected rows, head_dim]
  std::vector<float> keys;      // [num_kv_heads][blocks][head_dim][kKeyBlock]
};

QueryKeyMatrices load_queries_keys(const LayerRows& layer, const ModelShape& shape) {
  const auto rows = static_cast<std::int64_t>(layer.rows.size());
  const std::int64_t keys = longest(layer.lengths);
  QueryKeyMatrices matrices{.head_dim = shape.head_dim,
                            .key_floats = quotient_up(keys, kKeyBlock) * kKeyBlock * shape.head_dim,
                            .queries = {},
                            .keys = {}};
  {
    FloatDataset q(layer.group.open_dataset("q"));
    const std::vector<hdf5::Box> boxes = boxes_of(0, shape.num_heads, layer.rows, shape.head_dim);
    q.dataset().require_written(boxes, kQueryAxes);
    q.load(boxes, shape.num_heads * rows * shape.head_dim);
    matrices.queries.resize(static_cast<std::size_t>(shape.num_heads * rows * shape.head_dim));
    q.widen(0, matrices.queries);
  }
  FloatDataset k(layer.group.open_dataset("k"));
  const hdf5::Box box{{0, 0, 0}, {shape.num_kv_heads, keys, shape.head_dim}};
  k.dataset().require_written({&box, 1}, kKeyAxes);
  k.load({&box, 1}, shape.num_kv_heads * keys * shape.head_dim);
  matrices.keys.resize(static_cast<std::size_t>(shape.num_kv_heads * matrices.key_floats));
  parallel_for(shape.num_kv_heads, [&](std::int64_t head) {
    std::vector<float> plain(static_cast<std::size_t>(keys * shape.head_dim));
    k.widen(head * keys * shape.head_dim, plain);
    pack_keys(plain.data(), keys, shape.head_dim, shape.head_dim, 0,
              matrices.keys.data() + head * matrices.key_floats);
  });
  return matrices;
}

// The number of rows that are scored together: few, so that few scores past the causal limit are computed.
constexpr std::int64_t kScoreTile = 64;

}  // namespace

void stream_scores(const LayerRows& layer, const DumpHeader& header, std::int64_t block_bytes,
                   std::int64_t cache_bytes, RowSink& sink) {
  const BlockPlan plan = plan_chunked_blocks(layer.group.open_dataset("scores"), block_bytes, cache_bytes);
  FloatDataset scores(layer.group.open_dataset("scores", plan.chunk_cache));
  require_written_scores(layer, scores.dataset());
  const std::string where = scores.dataset().where();
  std::vector<float> buffer;
  for (std::int64_t first_head = 0; first_head < header.shape.num_heads; first_head += plan.heads) {
    const std::int64_t heads = std::min(plan.heads, header.shape.num_heads - first_head);
    for_each_piece(layer, plan.rows, [&](std::int64_t first, std::int64_t rows) {
      const std::span<const std::int32_t> lengths = piece(layer.lengths, first, rows);
      const std::span<const std::int64_t> numbers = piece(layer.rows, first, rows);
      const std::int64_t columns = longest(lengths);  // nothing past them is read
      const std::int64_t per_head = rows * columns;
      scores.load(boxes_of(first_head, heads, numbers, columns), heads * per_head);
      buffer.resize(static_cast<std::size_t>(heads * per_head));
      parallel_for(heads, [&](std::int64_t h) {
        const std::span<float> own = std::span(buffer).subspan(static_cast<std::size_t>(h * per_head),
                                                               static_cast<std::size_t>(per_head));
        scores.widen(h * per_head, own);
        RowBlock block{layer.layer, first_head + h, own.data(), columns, lengths};
        std::vector<RowRange> ranges;
        require_finite(block, numbers, where, ranges);
        sink.add(block);
      });
    });
  }
}

void stream_queries_keys(const LayerRows& layer, const DumpHeader& header, std::int64_t block_bytes,
                         RowSink& sink) {
  if (layer.rows.empty()) return;
  const ModelShape& shape = header.shape;
  const QueryKeyMatrices matrices = load_queries_keys(layer, shape);
  const auto all_rows = static_cast<std::int64_t>(layer.rows.size());
  const std::int64_t stride = matrices.key_floats / shape.head_dim;
  const BlockPlan plan = plan_blocks(shape.num_heads, stride, block_bytes);
  const std::int64_t block_rows = std::min(plan.rows, all_rows);
  const auto scale = static_cast<float>(header.scale);
  std::vector<float> buffer(static_cast<std::size_t>(plan.heads * block_rows * stride));
  for (std::int64_t first_head = 0; first_head < shape.num_heads; first_head += plan.heads) {
    const std::int64_t heads = std::min(plan.heads, shape.num_heads - first_head);
    for_each_piece(layer, block_rows, [&](std::int64_t first, std::int64_t rows) {
      parallel_for(heads, [&](std::int64_t h) {
        const std::int64_t head = first_head + h;
        const float* queries = matrices.queries.data() + (head * all_rows + first) * shape.head_dim;
        const float* keys =
            matrices.keys.data() + head / (shape.num_heads / shape.num_kv_heads) * matrices.key_floats;
        float* own = buffer.data() + h * block_rows * stride;
        for (std::int64_t r = 0; r < rows; r += kScoreTile) {
          const std::int64_t tile = std::min(kScoreTile, rows - r);
          score_rows(queries + r * shape.head_dim, tile, shape.head_dim, keys, shape.head_dim,
                     longest(piece(layer.lengths, first + r, tile)), scale, own + r * stride, stride);
        }
        RowBlock block{layer.layer, head, own, stride, piece(layer.lengths, first, rows)};
        std::vector<RowRange> ranges;
        require_finite(block, piece(layer.rows, first, rows), layer.group.where(), ranges);
        sink.add(block);
      });
    });
  }
}

}  // namespace toptheta

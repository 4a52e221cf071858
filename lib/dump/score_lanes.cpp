#include "dump/score_lanes.hpp"

#include "core/parallel.hpp"

namespace toptheta {

void stream_lanes(std::span<const std::unique_ptr<DirectScores>> layers, int most_threads, RowSink& sink,
                  const std::function<void(std::int64_t)>& progress) {
  struct Work {
    const DirectScores* layer;
    Lane lane;
  };
  std::vector<Work> work;
  for (const auto& layer : layers)
    for (const Lane& lane : layer->lanes(sink.is_order_free()))
      work.push_back({layer.get(), lane});
  parallel_for(
      static_cast<std::int64_t>(work.size()),
      [&](std::int64_t i) {
        const Work& item = work[static_cast<std::size_t>(i)];
        item.layer->send(item.lane, sink);
        if (progress)
          progress(static_cast<std::int64_t>(item.lane.end - item.lane.first) *
                   (item.lane.end_head - item.lane.first_head) * item.layer->row_bytes());
      },
      most_threads);
}

}  // namespace toptheta

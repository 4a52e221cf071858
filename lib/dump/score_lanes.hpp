// Internal to lib/dump: sends scores that can be read without the HDF5 library to a sink, on all threads. The
// work is cut into lanes: runs of rows of a head or of a chunk, from any of a sample's layers.
#pragma once
#include <functional>
#include <memory>
#include <span>
#include <vector>

#include "dump/header.hpp"
#include "dump/score_tiles.hpp"
#include "dump/stream.hpp"
#include "io/mapped_file.hpp"

namespace toptheta {

// Rows [first, end) of the selected rows of a layer, of the heads [first_head, end_head).
struct Lane {
  std::size_t first = 0;
  std::size_t end = 0;
  std::int64_t first_head = 0;
  std::int64_t end_head = 0;
};

// The scores of one layer that are read directly from the file.
class DirectScores {
 public:
  DirectScores() = default;
  DirectScores(const DirectScores&) = delete;
  DirectScores& operator=(const DirectScores&) = delete;
  virtual ~DirectScores() = default;

  // Lanes that together hold every selected row of every head once. Unless `order_free`, all rows of a head
  // are in the same lane.
  [[nodiscard]] virtual std::vector<Lane> lanes(bool order_free) const = 0;
  // The bytes of a row of one head in the file's element type.
  [[nodiscard]] virtual std::int64_t row_bytes() const = 0;
  // Sends the rows of a lane. May be called from any thread.
  virtual void send(const Lane& lane, RowSink& sink) const = 0;
};

// Sends all rows of the layers. `progress`, if given, is called with the bytes of each finished lane.
// `most_threads` as for parallel_for.
void stream_lanes(std::span<const std::unique_ptr<DirectScores>> layers, int most_threads, RowSink& sink,
                  const std::function<void(std::int64_t bytes)>& progress);

}  // namespace toptheta

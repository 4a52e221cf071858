// Inside dump: scores that need no help of the HDF5 library's but to be found, on their way to a sink. Pieces
// of work, "lanes", run on all threads: stretches of rows of a head, or of a chunk, from any layers of a
// sample.
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

// Rows [first, end) of the selection of a layer, of heads [first_head, end_head).
struct Lane {
  std::size_t first = 0;
  std::size_t end = 0;
  std::int64_t first_head = 0;
  std::int64_t end_head = 0;
};

// The scores of one layer as they stand in the file.
class DirectScores {
 public:
  DirectScores() = default;
  DirectScores(const DirectScores&) = delete;
  DirectScores& operator=(const DirectScores&) = delete;
  virtual ~DirectScores() = default;

  // Lanes that hold every selected row of every head once. Not `order_free`: all rows of a head are in one.
  [[nodiscard]] virtual std::vector<Lane> lanes(bool order_free) const = 0;
  // Of a row of one head, in the file's element type.
  [[nodiscard]] virtual std::int64_t row_bytes() const = 0;
  // Sends a lane's rows; from any thread.
  virtual void send(const Lane& lane, RowSink& sink) const = 0;
};

// Sends everything, and tells how many bytes of the layers it is through with. `most_threads` as for
// parallel_for.
void stream_lanes(std::span<const std::unique_ptr<DirectScores>> layers, int most_threads, RowSink& sink,
                  const std::function<void(std::int64_t bytes)>& progress);

}  // namespace toptheta

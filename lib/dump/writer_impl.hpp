// Internal to lib/dump: the parts of DumpWriter. The recorder of scores and the recorder of queries and keys
// work on the same open sample.
#pragma once
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "dump/spool.hpp"
#include "dump/writer.hpp"
#include "io/atomic_file.hpp"
#include "io/hdf5.hpp"

namespace toptheta {

// Encoded rows are written in pieces of at most this size, unless a single row is larger.
inline constexpr std::int64_t kPieceBytes = std::int64_t{4} << 20;

// A sample that is being written.
struct OpenSample {
  DumpSampleInfo info;               // positions are filled in
  std::vector<std::int32_t> row_of;  // [kv_len] the row that records each position; -1: not recorded
  hdf5::Group group;
  hdf5::Group layers;
  std::set<std::int64_t> finished{};  // layers

  [[nodiscard]] std::int64_t rows() const { return static_cast<std::int64_t>(info.positions.size()); }
  // Throws std::logic_error if the model has no such layer or it was finished already.
  void require_open(std::int64_t layer, const ModelShape& shape) const;
  // Creates the layer's group, with a row_index unless the rows are the last positions of the sample.
  [[nodiscard]] hdf5::Group create_layer(std::int64_t layer);
};

// Creates a data set of shape `dims` [heads, rows, elements of a row], stored according to the options.
hdf5::Dataset create_matrices(hdf5::Group& group, const std::string& name, const hdf5::Dims& dims,
                              const DumpOptions& options);

// Throws InputError for a value that encode() reported; `place` says where in the model it is.
[[noreturn]] void fail_value(const std::string& where, float value, DumpElement element,
                             const std::string& place);

// The recorder for content `scores`. Rows arrive from many threads in any order. They are collected in a
// scratch file and moved to HDF5 when the layer is complete, so that the bytes of the dump do not depend on
// the order.
class ScoreRecorder {
 public:
  ScoreRecorder(const std::filesystem::path& target, const DumpHeader& header, const DumpOptions& options)
      : header_(header), options_(options), spool_(target) {}

  void add(OpenSample& sample, const RowBlock& block);
  // Throws std::logic_error if a layer is incomplete.
  void require_complete() const;

 private:
  struct Layer {
    std::int64_t number = 0;
    std::vector<std::int64_t> rows_added;  // [num_heads]
    std::int64_t rows_missing = 0;         // over all heads
  };
  void enter_layer(const OpenSample& sample, const RowBlock& block, std::int64_t rows);
  void collect(const OpenSample& sample, const RowBlock& block);
  void store_layer(OpenSample& sample);

  const DumpHeader& header_;
  const DumpOptions& options_;
  Spool spool_;  // [num_heads, rows, kv_len] of the current layer
  std::mutex mutex_;
  std::optional<Layer> layer_;
};

// The recorder for content `qk`.
class QueryKeyRecorder {
 public:
  QueryKeyRecorder(const DumpHeader& header, const DumpOptions& options)
      : header_(header), options_(options) {}

  void add(OpenSample& sample, const QueriesKeys& inputs);
  void require_complete() const;

 private:
  struct Layer {
    hdf5::Dataset q;
    hdf5::Dataset k;
    std::optional<hdf5::Dataset> v;
    std::int64_t next_position = 0;
  };
  Layer& enter_layer(OpenSample& sample, const QueriesKeys& inputs);
  void store_queries(const OpenSample& sample, const QueriesKeys& inputs, Layer& layer) const;
  // Writes values [rows, heads, head_dim] to the rows of `dataset` from first_row on; first_position is for
  // messages.
  void store(hdf5::Dataset& dataset, const float* values, std::int64_t rows, std::int64_t first_row,
             std::int64_t first_position) const;

  const DumpHeader& header_;
  const DumpOptions& options_;
  std::map<std::int64_t, Layer> open_;
};

struct DumpWriter::Impl {
  DumpHeader header;
  DumpOptions options;
  AtomicFile output;
  hdf5::File file;
  hdf5::Group samples;
  std::optional<ScoreRecorder> scores;
  std::optional<QueryKeyRecorder> queries_keys;
  std::optional<OpenSample> sample;

  Impl(const std::filesystem::path& path, const DumpHeader& dump_header, const DumpOptions& dump_options);
  void end_sample();
};

}  // namespace toptheta

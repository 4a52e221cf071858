// Inside dump: the parts of DumpWriter. Recorder of scores and recorder of queries and keys share a sample.
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

// Encoded rows are moved in pieces of at most this size, unless a single row is larger.
inline constexpr std::int64_t kPieceBytes = std::int64_t{4} << 20;

// A sample under way.
struct OpenSample {
  DumpSampleInfo info;               // positions are filled in
  std::vector<std::int32_t> row_of;  // [kv_len] number of the row that records a position; -1: not recorded
  hdf5::Group group;
  hdf5::Group layers;
  std::set<std::int64_t> finished{};  // layers

  [[nodiscard]] std::int64_t rows() const { return static_cast<std::int64_t>(info.positions.size()); }
  // Throws std::logic_error if the layer is not one of the model's or was finished already.
  void require_open(std::int64_t layer, const ModelShape& shape) const;
  // The layer's group, with its row_index unless the rows are simply the last ones.
  [[nodiscard]] hdf5::Group create_layer(std::int64_t layer);
};

// [heads, rows, row_elements], stored as the options say.
hdf5::Dataset create_matrices(hdf5::Group& group, const std::string& name, const hdf5::Dims& dims,
                              const DumpOptions& options);

// Throws InputError for a value that encode() found wrong; `place` says where in the model it stands.
[[noreturn]] void fail_value(const std::string& where, float value, DumpElement element,
                             const std::string& place);

// Content `scores`. Rows arrive from many threads in any order; they are collected in a scratch file and
// moved to HDF5 when the layer is complete, so that the file's bytes do not depend on the order.
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
  Spool spool_;  // [num_heads, rows, kv_len] of the layer under way
  std::mutex mutex_;
  std::optional<Layer> layer_;
};

// Content `qk`.
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
  // Writes `rows` of [rows, heads, head_dim] to data set rows first_row ...; first_position is for messages.
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

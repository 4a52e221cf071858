// Reads attention dumps as streams of rows.
//
//   DumpReader dump(path);
//   for (std::size_t s = 0; s < dump.samples().size(); ++s)
//     for (const DumpLayer& layer : dump.samples()[s].layers) dump.stream(s, layer.layer, sink);
//
// All HDF5 calls happen on the calling thread (see io/hdf5.hpp): use one reader at a time per process.
#pragma once
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "core/rows.hpp"
#include "dump/header.hpp"

namespace toptheta {

// One layer in a sample.
struct DumpLayer {
  std::int64_t layer = 0;
  std::int64_t rows = 0;   // of each query head
  std::int64_t bytes = 0;  // of the scores, or of the queries and keys, uncompressed
};

// The memory in bytes that reading takes, apart from the sink's: the least with which it works, what it takes
// to read everything only once on one thread, and on all threads.
struct ReadMemory {
  std::int64_t least = 0;
  std::int64_t once = 0;
  std::int64_t best = 0;

  // Raises each figure to the other's where that is larger.
  void grow(const ReadMemory& other);
  // What reading takes where no limit is set: DumpReader::kBufferBytes, or `once` where large chunks need
  // more, up to kOnceBytes.
  [[nodiscard]] std::int64_t usual() const;
};

struct DumpSample {
  std::string name;
  std::int64_t kv_len = 0;
  Phase phase = Phase::prefill;
  std::string source;             // empty where the file does not say
  std::vector<DumpLayer> layers;  // those that the file holds, ascending
};

// Rows of a layer: all of them, or those with the given numbers in [0, DumpLayer::rows), which must ascend.
struct LayerSelection {
  std::int64_t layer = 0;
  std::optional<std::vector<std::int64_t>> rows{};
};

class DumpReader {
 public:
  // The bytes of scores, in float, that stream() holds at a time where the HDF5 library reads and for qk,
  // unless a single row of one head is larger.
  static constexpr std::int64_t kBlockBytes = std::int64_t{32} << 20;
  // The most memory that reading takes, unless it does not work with less, or large chunks need more (up to
  // kOnceBytes) to be decoded only once.
  static constexpr std::int64_t kBufferBytes = std::int64_t{512} << 20;
  static constexpr std::int64_t kOnceBytes = std::int64_t{2} << 30;

  // Opens the file and checks its whole structure: attributes, shapes and element types of every layer of
  // every sample, and row positions. Throws InputError naming the file and the object in it. Scores are not
  // read yet.
  explicit DumpReader(const std::filesystem::path& path);
  // Opens a dump that is still being written (dump/live.hpp), and reads its first `complete` samples in name
  // order.
  static DumpReader open_live(const std::filesystem::path& path, std::int64_t complete);
  DumpReader(DumpReader&&) noexcept;
  DumpReader& operator=(DumpReader&&) noexcept;
  ~DumpReader();

  [[nodiscard]] const std::string& path() const;
  [[nodiscard]] const DumpHeader& header() const;
  [[nodiscard]] const std::vector<DumpSample>& samples() const;  // in name order

  // [rows] the query position of each row of a layer; position + 1 is the row's length n. They ascend in
  // files written by DumpWriter; in others they may have any order, without repetition.
  [[nodiscard]] std::vector<std::int32_t> row_positions(std::size_t sample, std::int64_t layer) const;
  // [kv_len]; empty where the file does not hold them.
  [[nodiscard]] std::vector<std::int32_t> tokens(std::size_t sample) const;

  // Sends rows of all query heads of some layers of a sample to `sink`. Blocks of different layers and heads
  // may arrive at the same time from different threads. Blocks of one head arrive one after the other in the
  // order of the file's rows, unless the sink is order-free (core/rows.hpp). Scores are as in the file, pre-
  // or post-softmax (header().placement); for qk they are scale * (q . k) as the model computes it
  // (kernels/attention/score_rows.hpp), with KV head h / (num_heads / num_kv_heads) for query head h.
  //
  // Throws InputError, naming sample, layer, head, row and key position, for a NaN or an infinity among a
  // row's causal entries; the sink may have received other rows by then. Entries past the causal limit are
  // never looked at, and chunks that hold no others are not read.
  //
  // Contiguous scores in the machine's byte order are read through a mapping of the file, without HDF5 and,
  // for float32, without a copy; the file must not shrink meanwhile. Chunks whose only filters are shuffle
  // and gzip are read one at a time and decoded on all threads. The HDF5 library reads everything else, and
  // files that are still being written.
  //
  // Memory: little for mapped scores. For chunks kBufferBytes, or a few chunks and a row if these are larger.
  // Where HDF5 reads, kBlockBytes of scores, the same rows in the file's element type, and HDF5's chunk cache
  // (at most 256 MiB, or one chunk if larger). For qk kBlockBytes and the layer's queries and keys in float.
  // After limit_memory(): the limit, or memory().least if that is more.
  void stream(std::size_t sample, std::span<const LayerSelection> selection, RowSink& sink) const;
  // Sets another limit than memory().usual(). Reading is slower below memory().best, and much slower below
  // memory().once.
  void limit_memory(std::int64_t bytes);
  // The memory for the layer that needs most. Time: opens every layer.
  [[nodiscard]] ReadMemory memory() const;
  // `progress` is called with the number of bytes (as in DumpLayer::bytes) that stream() has finished with
  // since the last call; it may be called from any of its threads.
  void on_read(std::function<void(std::int64_t bytes)> progress);

  // The same for one layer: all of its rows, or those given.
  void stream(std::size_t sample, std::int64_t layer, RowSink& sink) const;
  void stream_selected(std::size_t sample, std::int64_t layer, std::span<const std::int64_t> rows,
                       RowSink& sink) const;

 private:
  struct Impl;
  explicit DumpReader(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace toptheta

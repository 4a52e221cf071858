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

// A layer that a sample holds.
struct DumpLayer {
  std::int64_t layer = 0;
  std::int64_t rows = 0;   // of every query head
  std::int64_t bytes = 0;  // of its scores, or queries and keys, uncompressed
};

// Memory for reading, beside the sink's: the least that works, what reads everything only once, on one
// thread, and what does so on all threads.
struct ReadMemory {
  std::int64_t least = 0;
  std::int64_t once = 0;
  std::int64_t best = 0;

  // The larger of each.
  void grow(const ReadMemory& other);
  // What reading takes without a limit: DumpReader::kBufferBytes, or `once` where chunks are larger, up to
  // kOnceBytes.
  [[nodiscard]] std::int64_t usual() const;
};

struct DumpSample {
  std::string name;
  std::int64_t kv_len = 0;
  Phase phase = Phase::prefill;
  std::string source;             // empty where the file does not say
  std::vector<DumpLayer> layers;  // those present, ascending
};

// Rows of a layer: all of them, or numbers in [0, DumpLayer::rows), ascending and without repetition.
struct LayerSelection {
  std::int64_t layer = 0;
  std::optional<std::vector<std::int64_t>> rows{};
};

class DumpReader {
 public:
  // float scores of all heads that stream() holds at a time where the HDF5 library reads, and for qk, unless
  // a single row of one head is larger.
  static constexpr std::int64_t kBlockBytes = std::int64_t{32} << 20;
  // Memory that reading takes at most, unless the least that works is more, or large chunks need more to be
  // decoded only once, up to kOnceBytes.
  static constexpr std::int64_t kBufferBytes = std::int64_t{512} << 20;
  static constexpr std::int64_t kOnceBytes = std::int64_t{2} << 30;

  // Opens the file and checks all of its structure: attributes, shapes and element types of every layer of
  // every sample, row positions. Throws InputError naming the file and the object in it. Scores are not read
  // yet.
  explicit DumpReader(const std::filesystem::path& path);
  // A dump that is still being written (dump/live.hpp): its first `complete` samples, in name order.
  static DumpReader open_live(const std::filesystem::path& path, std::int64_t complete);
  DumpReader(DumpReader&&) noexcept;
  DumpReader& operator=(DumpReader&&) noexcept;
  ~DumpReader();

  [[nodiscard]] const std::string& path() const;
  [[nodiscard]] const DumpHeader& header() const;
  [[nodiscard]] const std::vector<DumpSample>& samples() const;  // in name order

  // Query positions of a layer's rows [rows]; position + 1 is the row's length n. Ascending in files written
  // by DumpWriter, any order (without repetition) in others.
  [[nodiscard]] std::vector<std::int32_t> row_positions(std::size_t sample, std::int64_t layer) const;
  // [kv_len]; empty where the file does not hold them.
  [[nodiscard]] std::vector<std::int32_t> tokens(std::size_t sample) const;

  // Sends rows of all query heads of some layers of a sample to `sink`: blocks of different layers and heads
  // at the same time from different threads, blocks of one head one after the other in the order of the
  // file's rows, unless the sink is free of order (core/rows.hpp). Scores are as the file holds them, pre-
  // or post-softmax (header().placement); for qk they are scale * (q . k) as the model computes it
  // (kernels/attention_rows.hpp), with KV head h / (num_heads / num_kv_heads) for query head h. Throws
  // InputError, naming sample, layer, head, row and key position, for a NaN or an infinity among a row's
  // causal entries; what lies past them is never looked at, and chunks that hold nothing else are not read.
  // The sink may have seen other rows by then.
  //
  // Contiguous scores in the machine's byte order are read through a mapping of the file, without HDF5
  // and without a copy of float32; the file must not be cut short meanwhile. Chunks are read one at a time
  // and decoded on all threads, where their filters are none, shuffle or gzip. The HDF5 library reads
  // everything else, and files that grow. Memory: small for mapped scores; kBufferBytes, or some chunks and a
  // row where that is larger, for chunks; kBlockBytes of scores, the same rows in the file's element type and
  // HDF5's chunk cache (at most 256 MiB, or one chunk where that is larger) where HDF5 reads; for qk
  // kBlockBytes and the layer's queries and keys in float. With limit_memory() as near to that as
  // memory().least allows.
  void stream(std::size_t sample, std::span<const LayerSelection> selection, RowSink& sink) const;
  // Another limit than memory().usual(); slower where it is below memory().best, and very much so below once.
  void limit_memory(std::int64_t bytes);
  // For the layer that needs most. Time: opens every layer.
  [[nodiscard]] ReadMemory memory() const;
  // Called with the bytes (DumpLayer::bytes) that stream() is through with, from any of its threads.
  void on_read(std::function<void(std::int64_t bytes)> progress);

  // All rows of a layer; some.
  void stream(std::size_t sample, std::int64_t layer, RowSink& sink) const;
  void stream_selected(std::size_t sample, std::int64_t layer, std::span<const std::int64_t> rows,
                       RowSink& sink) const;

 private:
  struct Impl;
  explicit DumpReader(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace toptheta

// Writes attention dumps: samples one after the other, layers as the forward pass reaches them.
//
//   DumpWriter writer(path, header, {.element = DumpElement::f16});
//   for each text:
//     writer.begin_sample({.name = "000017", .kv_len = n, .tokens = tokens});
//     run the forward pass with `writer` as AttentionListeners::scores (content `scores`),
//       or calling writer.add_queries_keys() from a LayerObserver (content `qk`)
//   writer.finish();
//
// The target appears, complete, in finish(); without that call nothing is left behind. Equal calls write
// equal bytes, whatever the number of threads. HDF5 is called from begin_sample(), finish(),
// add_queries_keys() and the add() that completes a layer; nothing else may use HDF5 at the same time.
#pragma once
#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/rows.hpp"
#include "dump/header.hpp"

namespace toptheta {

enum class DumpElement { f16, bf16, f32, f64 };
template <>
inline constexpr auto kNames<DumpElement> =
    std::to_array<Named<DumpElement>>({{DumpElement::f16, "float16"},
                                       {DumpElement::bf16, "bfloat16"},
                                       {DumpElement::f32, "float32"},
                                       {DumpElement::f64, "float64"}});

struct DumpOptions {
  DumpElement element = DumpElement::f16;
  int gzip_level = 0;  // 0: contiguous and not compressed; 1 ... 9: chunked, shuffled and compressed
};

struct DumpSampleInfo {
  std::string name;         // unique, without '/'; readers go through samples in bytewise name order
  std::int64_t kv_len = 0;  // keys of the sample, at least 1
  Phase phase = Phase::prefill;
  std::string source{};                // not written where empty
  std::vector<std::int32_t> tokens{};  // [kv_len], or empty: not written
  // The query positions to record, ascending, the same for every layer; empty: all of 0 ... kv_len - 1. Other
  // rows that are added are ignored, so that this list is all that row sampling needs.
  std::vector<std::int32_t> positions{};
};

// Queries, keys and values of some consecutive positions of one layer, as the forward pass computes them.
struct QueriesKeys {
  std::int64_t layer = 0;
  std::int64_t first_position = 0;
  std::int64_t rows = 0;
  const float* q = nullptr;  // [rows, num_heads, head_dim], after rotary embedding
  const float* k = nullptr;  // [rows, num_kv_heads, head_dim], after rotary embedding
  const float* v = nullptr;  // [rows, num_kv_heads, head_dim]; null: values are not recorded
};

// As a RowSink it can listen to attention. Misuse (rows missing at the end of a sample, a call that does not
// fit the content) throws std::logic_error; a full disk and the like UnfinishedError; a score that is not
// finite or does not fit the element type InputError, naming layer, head and position.
class DumpWriter : public RowSink {
 public:
  DumpWriter(const std::filesystem::path& path, const DumpHeader& header, const DumpOptions& options = {});
  ~DumpWriter() override;

  // Ends the previous sample. Scores of layers may come in any order, but a layer must be complete before the
  // next one begins.
  void begin_sample(const DumpSampleInfo& sample);

  // Content `scores`: rows of one head. Every head must give every recorded position exactly once. May be
  // called from several threads at once for different heads. Entries that a row does not hold (past its
  // causal limit, or before its window) are written as -infinity (pre-softmax) or 0 (post-softmax). Memory:
  // at most 4 MiB per thread; a layer is collected in an unnamed file next to the target.
  void add(const RowBlock& block) override;

  // Content `qk`: the positions of a layer may come in several calls, in order, and layers may alternate (a
  // prefill in pieces, decode steps); in the end all kv_len positions must have come. Queries are written for
  // recorded positions only. To be called from one thread.
  void add_queries_keys(const QueriesKeys& inputs);

  // Ends the last sample and puts the file in place.
  void finish();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace toptheta

// Writes attention dumps: samples one after the other, layers as the forward pass reaches them.
//
//   DumpWriter writer(path, header, {.element = DumpElement::f16});
//   for each text:
//     writer.begin_sample({.name = "000017", .kv_len = n, .tokens = tokens});
//     run the forward pass with `writer` as AttentionListeners::scores (content `scores`),
//       or calling writer.add_queries_keys() from a LayerObserver (content `qk`)
//   writer.finish();
//
// The target appears, complete, in finish(); without it nothing is left behind. Equal calls give equal bytes,
// whatever the number of threads. HDF5 is called from begin_sample, finish, add_queries_keys and from the
// add() that completes a layer: no other HDF5 use may run at the same time.
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
  int gzip_level = 0;  // 0: not compressed, contiguous; 1 ... 9: chunked, shuffled, compressed
};

struct DumpSampleInfo {
  std::string name;         // unique, without '/'; readers go through samples in bytewise name order
  std::int64_t kv_len = 0;  // keys of the sample, at least 1
  Phase phase = Phase::prefill;
  std::string source{};                // not written where empty
  std::vector<std::int32_t> tokens{};  // [kv_len], or empty: not written
  // Query positions to record, ascending, the same for every layer; empty: all of 0 ... kv_len - 1. Other
  // rows that are added are passed over, so that row sampling needs nothing but this list.
  std::vector<std::int32_t> positions{};
};

// Queries, keys and values of some consecutive positions of one layer, as the forward pass has them.
struct QueriesKeys {
  std::int64_t layer = 0;
  std::int64_t first_position = 0;
  std::int64_t rows = 0;
  const float* q = nullptr;  // [rows, num_heads, head_dim], after rotary embedding
  const float* k = nullptr;  // [rows, num_kv_heads, head_dim], after rotary embedding
  const float* v = nullptr;  // [rows, num_kv_heads, head_dim]; null: values are not recorded
};

// Being a RowSink it can be an attention listener. Misuse (rows that are missing when a sample ends, content
// that does not fit the call) throws std::logic_error; a full disk or the like UnfinishedError; a score that
// is not finite or does not fit the element type InputError naming layer, head and position.
class DumpWriter : public RowSink {
 public:
  DumpWriter(const std::filesystem::path& path, const DumpHeader& header, const DumpOptions& options = {});
  ~DumpWriter() override;

  // Ends the sample before. Layers come in any order, each of them complete before the next begins.
  void begin_sample(const DumpSampleInfo& sample);

  // Content `scores`: rows of one head; every head must give every recorded position once. May be called from
  // several threads at once for different heads. Entries past the causal limit are written as -infinity
  // (pre-softmax) or 0 (post-softmax). Memory: at most 4 MiB per thread; a layer is collected in an unnamed
  // file next to the target.
  void add(const RowBlock& block) override;

  // Content `qk`: positions may come in several calls per layer, layers may alternate (a prefill in pieces,
  // decode steps); all kv_len positions must come. Only recorded positions' queries are written. From one
  // thread.
  void add_queries_keys(const QueriesKeys& inputs);

  // Ends the last sample and puts the file in place.
  void finish();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace toptheta

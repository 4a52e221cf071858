// Lists and ranges of numbers on the command line, and per-layer values of k.
#pragma once
#include <cstdint>
#include <limits>
#include <string>
#include <string_view>
#include <vector>

namespace toptheta {

// Parses "16,32,64"; "16-256*2" = 16,32,64,128,256; "100-500+100" = 100,200,...,500; or several of these
// joined by commas. The values are returned in the order given. Throws UsageError naming `flag` for anything
// else, for values below 1, for repeated values and for ranges of more than 100000 values.
std::vector<std::int64_t> parse_number_list(std::string_view text, std::string_view flag);

// A layer whose k is kDenseK keeps everything.
inline constexpr std::int64_t kDenseK = std::numeric_limits<std::int64_t>::max();

struct LayerK {
  std::int64_t layer;
  std::int64_t k;
  bool operator==(const LayerK&) const = default;
};

// Parses "0:512,1:512,2:dense"; layers count from 0. Throws UsageError naming --layer-k.
std::vector<LayerK> parse_layer_k(std::string_view text);

// The k of each layer: `k`, except where `overrides` says otherwise. Throws UsageError for a layer that is
// out of range.
std::vector<std::int64_t> resolve_layer_k(std::int64_t k, const std::vector<LayerK>& overrides,
                                          std::int64_t num_layers);

// "64", or "dense" for kDenseK.
std::string format_k(std::int64_t k);

}  // namespace toptheta

#include "theta/unused_entries.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <set>

namespace toptheta {

namespace {

// How many thresholds are not used for one reason, and which is the first.
struct Unused {
  std::size_t count = 0;
  std::string first{};
};

void add(Unused& unused, std::size_t count, const ThresholdTable& table, const Target& target,
         std::size_t cell) {
  if (count == 0) return;
  if (unused.count == 0) {
    const auto heads = static_cast<std::size_t>(table.meta.shape.num_heads);
    unused.first = fmt::format("k = {}, layer {}, head {}, row length {}", format_k(target.k), cell / heads,
                               cell % heads, target.cells[cell].front().length);
  }
  unused.count += count;
}

// The entries of a head come in ascending order of length, so those that are not used are the first ones.
std::size_t unused_of(const Target& target, std::size_t cell) {
  const std::vector<ThresholdEntry>& entries = target.cells[cell];
  const std::int64_t k = target.k_of(cell);
  const auto used = std::find_if(entries.begin(), entries.end(),
                                 [k](const ThresholdEntry& entry) { return entry.length > k; });
  return static_cast<std::size_t>(used - entries.begin());
}

std::string sentence(const std::string& path, const Unused& unused, const char* of_what) {
  return fmt::format("{}: {} threshold{} of {} {} not used (the first: {})", path, unused.count,
                     unused.count == 1 ? "" : "s", of_what, unused.count == 1 ? "is" : "are", unused.first);
}

// "layer 3", "layers 0, 1, 2 and 9 more".
std::string listed_layers(const std::set<std::size_t>& layers) {
  constexpr std::size_t kMost = 8;
  std::string text = layers.size() == 1 ? "layer" : "layers";
  std::size_t shown = 0;
  for (const std::size_t layer : layers) {
    if (shown == kMost) return text + fmt::format(" and {} more", layers.size() - kMost);
    text += fmt::format("{} {}", shown++ == 0 ? "" : ",", layer);
  }
  return text;
}

}  // namespace

std::vector<std::string> describe_unused(const ThresholdTable& table, const std::string& path) {
  Unused of_dense;
  Unused of_short;
  for (const Target& target : table.targets)
    for (std::size_t cell = 0; cell < target.cells.size(); ++cell)
      add(target.k_of(cell) == kDenseK ? of_dense : of_short, unused_of(target, cell), table, target, cell);
  std::vector<std::string> sentences;
  if (of_dense.count > 0) sentences.push_back(sentence(path, of_dense, "heads that stay dense"));
  if (of_short.count > 0)
    sentences.push_back(sentence(path, of_short, "rows of at most k keys, which keep everything,"));
  return sentences;
}

void take_out_unused(ThresholdTable& table) {
  for (Target& target : table.targets)
    for (std::size_t cell = 0; cell < target.cells.size(); ++cell) {
      const auto unused = static_cast<std::ptrdiff_t>(unused_of(target, cell));
      target.cells[cell].erase(target.cells[cell].begin(), target.cells[cell].begin() + unused);
    }
}

void take_out_of_dense_heads(ThresholdTable& table) {
  for (Target& target : table.targets)
    for (std::size_t cell = 0; cell < target.cells.size(); ++cell)
      if (target.k_of(cell) == kDenseK) target.cells[cell].clear();
}

std::string describe_without_lines(const ThresholdTable& table, const std::string& path) {
  std::set<std::size_t> layers;
  std::set<std::size_t> heads;  // of layers with thresholds, by their cells
  for (const Target& target : table.targets)
    for (std::size_t cell = 0; cell < target.cells.size(); ++cell) {
      if (target.k_of(cell) != kDenseK) continue;
      const std::size_t layer = cell / (target.cells.size() / target.layer_k.size());
      if (target.layer_k[layer] == kDenseK)
        layers.insert(layer);
      else
        heads.insert(cell);
    }
  if (layers.empty() && heads.empty()) return {};
  std::string without = layers.empty() ? "" : listed_layers(layers);
  if (!heads.empty())
    without += fmt::format("{}{} head{} of {}layers with thresholds", layers.empty() ? "" : ", and of ",
                           heads.size(), heads.size() == 1 ? "" : "s", layers.empty() ? "" : "other ");
  return fmt::format("{}: no thresholds of {}: all their rows stay dense", path, without);
}

std::string describe_no_weights(const ThresholdTable& table, const std::string& path) {
  constexpr double kMost = 1.01;  // as rounding to 16 bits may lift a weight
  if (table.meta.placement == Placement::pre_softmax || table.meta.add_sigma != 0) return {};
  Unused outside;
  for (const Target& target : table.targets)
    for (std::size_t cell = 0; cell < target.cells.size(); ++cell)
      for (const ThresholdEntry& entry : target.cells[cell]) {
        if (entry.theta >= 0 && entry.theta <= kMost) continue;
        if (outside.count++ > 0) continue;
        const auto heads = static_cast<std::size_t>(table.meta.shape.num_heads);
        outside.first = fmt::format("{} of k = {}, layer {}, head {}, row length {}", entry.theta,
                                    format_k(target.k), cell / heads, cell % heads, entry.length);
      }
  if (outside.count == 0) return {};
  return fmt::format(
      "{}: {} threshold{} of a table whose placement is {} {} no softmax weight{} (the first: {})", path,
      outside.count, outside.count == 1 ? "" : "s", name_of(table.meta.placement),
      outside.count == 1 ? "is" : "are", outside.count == 1 ? "" : "s", outside.first);
}

}  // namespace toptheta

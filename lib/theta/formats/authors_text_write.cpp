#include <fmt/format.h>

#include <algorithm>

#include "core/error.hpp"
#include "io/atomic_file.hpp"
#include "theta/formats/authors_text.hpp"
#include "theta/formats/number_text.hpp"
#include "theta/target_choice.hpp"

namespace toptheta {

namespace {

// "L31_H31:1219 "
std::string line_start(std::size_t cell, std::int64_t num_heads, std::int32_t length) {
  const auto heads = static_cast<std::size_t>(num_heads);
  return fmt::format("L{}_H{}:{} ", cell / heads, cell % heads, length);
}

// The first target before `index` that has the same k in this head, whose lines stand for those of `index`;
// null where there is none.
const Target* written_before(const std::vector<const Target*>& targets, std::size_t index, std::size_t cell) {
  const auto end = targets.begin() + static_cast<std::ptrdiff_t>(index);
  const auto same = std::find_if(targets.begin(), end, [&](const Target* earlier) {
    return earlier->k_of(cell) == targets[index]->k_of(cell);
  });
  return same == end ? nullptr : *same;
}

bool equal_lines(const ThresholdEntry& a, const ThresholdEntry& b) {
  return a.length == b.length && a.theta == b.theta && a.count == b.count;
}

}  // namespace

void write_authors_thresholds(const ThresholdTable& table, std::int64_t k,
                              const std::filesystem::path& path) {
  const std::vector<const Target*> targets = choose_targets(table, k);
  AtomicFile file(path);
  for (std::size_t t = 0; t < targets.size(); ++t) {
    for (std::size_t cell = 0; cell < targets[t]->cells.size(); ++cell) {
      // A dense head has no k that a line could name.
      if (targets[t]->k_of(cell) == kDenseK || written_before(targets, t, cell) != nullptr) continue;
      std::string lines;
      for (const ThresholdEntry& entry : targets[t]->cells[cell])
        lines += line_start(cell, table.meta.shape.num_heads, entry.length) +
                 fmt::format("{} {} {}\n", python_repr(entry.theta), entry.count, targets[t]->k_of(cell));
      file.write(lines);
    }
  }
  file.commit();
}

std::string describe_lost_lines(const ThresholdTable& table, std::int64_t k) {
  const std::vector<const Target*> targets = choose_targets(table, k);
  const auto num_heads = static_cast<std::size_t>(table.meta.shape.num_heads);
  std::string first;
  std::size_t heads = 0;
  for (std::size_t t = 0; t < targets.size(); ++t)
    for (std::size_t cell = 0; cell < targets[t]->cells.size(); ++cell) {
      const std::int64_t of_head = targets[t]->k_of(cell);
      const Target* earlier = written_before(targets, t, cell);
      if (of_head == kDenseK || earlier == nullptr ||
          std::ranges::equal(targets[t]->cells[cell], earlier->cells[cell], equal_lines))
        continue;
      if (heads++ == 0)
        first = fmt::format("layer {}, head {}, with k = {} under -k {} and -k {}", cell / num_heads,
                            cell % num_heads, of_head, earlier->k, targets[t]->k);
    }
  if (heads == 0) return {};
  return fmt::format(
      "a th.txt holds one threshold for each layer, head, row length and k: those of the first target stand "
      "for others that differ in {} head{} (the first: {})",
      heads, heads == 1 ? "" : "s", first);
}

void write_authors_sdc(const ThresholdTable& table, std::int64_t k, const std::filesystem::path& path,
                       const std::string& table_path) {
  const Target& target = table.target(k);
  std::string lines;
  for (std::size_t cell = 0; cell < target.cells.size(); ++cell)
    for (const ThresholdEntry& entry : target.cells[cell])
      if (!std::isnan(entry.sdc))
        lines += line_start(cell, table.meta.shape.num_heads, entry.length) +
                 fmt::format("{} {}\n", python_repr(entry.sdc), entry.count);
  if (lines.empty())
    throw InputError({.where = table_path,
                      .what = fmt::format("no SDC terms to write for k = {}", format_k(target.k)),
                      .expected = "a table calibrated with offline SDC",
                      .next = "calibrate again with offline SDC: see tt-calibrate fit --help"});
  write_file_atomically(path, lines);
}

}  // namespace toptheta

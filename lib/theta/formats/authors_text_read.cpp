#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>

#include "core/error.hpp"
#include "io/text_file.hpp"
#include "theta/formats/authors_line.hpp"
#include "theta/formats/authors_text.hpp"
#include "theta/validation.hpp"

namespace toptheta {

namespace {

using KSet = std::set<std::int64_t>;

std::string list_k(const KSet& set) {
  std::string text;
  for (const std::int64_t k : set)
    text += (text.empty() ? "" : ", ") + fmt::format("{}", k);
  return text;
}

std::vector<AuthorsLine> read_lines(const std::string& file) {
  std::vector<AuthorsLine> lines;
  for_each_authors_line(read_text_file(file), file, 4,
                        [&lines](const AuthorsLine& line) { lines.push_back(line); });
  if (lines.empty())
    throw InputError({.where = file,
                      .what = "holds no thresholds",
                      .expected = "lines such as L31_H31:1219 0.00022 4 64",
                      .found = "no lines"});
  return lines;
}

ModelShape shape_of(const std::vector<AuthorsLine>& lines, const std::string& file) {
  ModelShape shape;
  for (const AuthorsLine& line : lines) {
    shape.num_layers = std::max(shape.num_layers, line.layer + 1);
    shape.num_heads = std::max(shape.num_heads, line.head + 1);
    if (const auto fault = find_fault(shape))
      throw InputError({.where = fmt::format("{}:{}", file, line.number),
                        .what = fmt::format("more layers and heads than a table may have ({})", fault->field),
                        .expected = fault->expected,
                        .found = fmt::format("L{}_H{}", line.layer, line.head)});
  }
  return shape;
}

// Every k may become a target, and every target has memory for every head.
void require_few_targets(const std::vector<AuthorsLine>& lines, const ModelShape& shape,
                         const std::string& file) {
  KSet all;
  for (const AuthorsLine& line : lines)
    all.insert(line.k);
  if (const auto fault = find_fault_of_targets(static_cast<std::int64_t>(all.size()), shape))
    throw InputError({.where = file,
                      .what = "too many different k for so many layers and heads",
                      .expected = fault->expected,
                      .found = fmt::format("{} k", all.size())});
}

// The set of k on the lines of each layer.
std::vector<KSet> k_of_layers(const std::vector<AuthorsLine>& lines, std::int64_t num_layers) {
  std::vector<KSet> sets(static_cast<std::size_t>(num_layers));
  for (const AuthorsLine& line : lines)
    sets[static_cast<std::size_t>(line.layer)].insert(line.k);
  return sets;
}

// The set that most layers have; of equally frequent sets the larger one, then the one with the smaller k.
KSet commonest(const std::vector<KSet>& sets) {
  std::map<KSet, std::size_t> layers;
  for (const KSet& set : sets)
    if (!set.empty()) ++layers[set];
  const auto rank = [](const auto& item) { return std::pair(item.second, item.first.size()); };
  return std::max_element(layers.begin(), layers.end(),
                          [&](const auto& a, const auto& b) {
                            return rank(a) != rank(b) ? rank(a) < rank(b) : a.first > b.first;
                          })
      ->first;
}

// The k of a layer under target k.
std::int64_t resolve_k(std::int64_t k, const KSet& layer, const KSet& targets) {
  if (layer.empty()) return kDenseK;
  return layer == targets ? k : *layer.begin();
}

// One target for each k, in the order of the lines, without thresholds yet.
std::vector<Target> empty_targets(const std::vector<AuthorsLine>& lines, const std::vector<KSet>& layers,
                                  const ModelShape& shape, const std::string& file) {
  const KSet k_of_most = commonest(layers);
  for (std::size_t layer = 0; layer < layers.size(); ++layer)
    if (layers[layer].size() > 1 && layers[layer] != k_of_most)
      throw InputError({.where = file,
                        .what = fmt::format("layer {} does not have the same k as most layers", layer),
                        .expected = fmt::format("k = {}, or a single other k", list_k(k_of_most)),
                        .found = fmt::format("k = {}", list_k(layers[layer]))});
  std::vector<Target> targets;
  KSet left = k_of_most;
  for (const AuthorsLine& line : lines) {
    if (layers[static_cast<std::size_t>(line.layer)] != k_of_most || left.erase(line.k) == 0) continue;
    Target target{line.k,
                  {},
                  std::vector<std::vector<ThresholdEntry>>(
                      static_cast<std::size_t>(shape.num_layers * shape.num_heads))};
    for (const KSet& layer : layers)
      target.layer_k.push_back(resolve_k(line.k, layer, k_of_most));
    targets.push_back(std::move(target));
    if (left.empty()) break;
  }
  return targets;
}

// Where the lines of each head have only one k, and heads of a layer differ: the k of each head, kDenseK for
// a head without lines. Empty otherwise.
std::vector<std::int64_t> k_of_heads(const std::vector<AuthorsLine>& lines, const ModelShape& shape) {
  std::vector<std::int64_t> k(static_cast<std::size_t>(shape.num_layers * shape.num_heads), kDenseK);
  for (const AuthorsLine& line : lines) {
    std::int64_t& of_head = k[static_cast<std::size_t>(line.layer * shape.num_heads + line.head)];
    if (of_head != kDenseK && of_head != line.k) return {};
    of_head = line.k;
  }
  for (std::size_t first = 0; first < k.size(); first += static_cast<std::size_t>(shape.num_heads)) {
    std::int64_t other = kDenseK;
    for (std::size_t cell = first; cell < first + static_cast<std::size_t>(shape.num_heads); ++cell) {
      if (k[cell] == kDenseK) continue;  // a head without lines: its rows may have been too short
      if (other != kDenseK && other != k[cell]) return k;
      other = k[cell];
    }
  }
  return {};
}

// The one target of a file in which heads of a layer have different k.
Target target_by_head(std::vector<std::int64_t> head_k, const ModelShape& shape) {
  Target target{mean_k(head_k), layer_k_of(head_k, shape.num_heads),
                std::vector<std::vector<ThresholdEntry>>(head_k.size())};
  target.head_k = std::move(head_k);
  return target;
}

// Sorted by layer, head, length and k; a line that appears twice is an error.
void sort_lines(std::vector<AuthorsLine>& lines, const std::string& file) {
  const auto place = [](const AuthorsLine& line) {
    return std::tuple(line.layer, line.head, line.length, line.k);
  };
  std::stable_sort(lines.begin(), lines.end(),
                   [&](const AuthorsLine& a, const AuthorsLine& b) { return place(a) < place(b); });
  const auto twice =
      std::adjacent_find(lines.begin(), lines.end(),
                         [&](const AuthorsLine& a, const AuthorsLine& b) { return place(a) == place(b); });
  if (twice == lines.end()) return;
  throw InputError({.where = fmt::format("{}:{}", file, std::next(twice)->number),
                    .what = "a second line for the same layer, head, row length and k",
                    .found = fmt::format("L{}_H{}:{} with k = {}, as in line {}", twice->layer, twice->head,
                                         twice->length, twice->k, twice->number)});
}

}  // namespace

ThresholdTable read_authors_thresholds(const std::filesystem::path& path, Placement placement) {
  const std::string file = path.string();
  std::vector<AuthorsLine> lines = read_lines(file);
  ThresholdTable table;
  table.meta.shape = shape_of(lines, file);
  table.meta.placement = placement;
  table.meta.estimator = "unknown (from a th.txt)";
  require_few_targets(lines, table.meta.shape, file);
  std::vector<std::int64_t> head_k = k_of_heads(lines, table.meta.shape);
  table.targets = head_k.empty() ? empty_targets(lines, k_of_layers(lines, table.meta.shape.num_layers),
                                                 table.meta.shape, file)
                                 : std::vector<Target>{target_by_head(std::move(head_k), table.meta.shape)};
  sort_lines(lines, file);
  for (const AuthorsLine& line : lines) {
    const std::size_t cell = table.cell_index(line.layer, line.head);
    for (Target& target : table.targets) {
      if (target.k_of(cell) != line.k) continue;
      ThresholdEntry entry;
      entry.length = line.length;
      entry.theta = line.value;
      entry.count = line.count;
      target.cells[cell].push_back(entry);
    }
  }
  return table;
}

void read_authors_sdc(const std::filesystem::path& path, std::int64_t k, ThresholdTable& table) {
  const Target& chosen = table.target(k);
  Target& target = table.targets[static_cast<std::size_t>(&chosen - table.targets.data())];
  const std::string file = path.string();
  std::set<const ThresholdEntry*> filled;
  for_each_authors_line(read_text_file(path), file, 3, [&](const AuthorsLine& line) {
    const auto fail = [&](std::string what, std::string next) {
      throw InputError({.where = fmt::format("{}:{}", file, line.number),
                        .what = std::move(what),
                        .found = fmt::format("L{}_H{}:{}", line.layer, line.head, line.length),
                        .next = std::move(next)});
    };
    if (line.value < 0) fail("M is negative", "M is a sum of exponentials: check where the file comes from");
    const bool known = line.layer < table.meta.shape.num_layers && line.head < table.meta.shape.num_heads;
    const std::size_t cell = known ? table.cell_index(line.layer, line.head) : 0;
    const auto entry =
        std::lower_bound(target.cells[cell].begin(), target.cells[cell].end(), line.length,
                         [](const ThresholdEntry& e, std::int32_t length) { return e.length < length; });
    if (!known || entry == target.cells[cell].end() || entry->length != line.length)
      fail(fmt::format("the table has no threshold of this layer, head and row length for k = {}", target.k),
           "use the sdc.txt that belongs to the thresholds");
    if (!filled.insert(&*entry).second)
      fail("a second line for the same layer, head and row length", "keep one of the two lines");
    entry->sdc = line.value;
  });
}

}  // namespace toptheta

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <limits>
#include <map>
#include <optional>

#include "core/error.hpp"
#include "io/text_file.hpp"
#include "theta/columns.hpp"
#include "theta/formats/csv.hpp"
#include "theta/validation.hpp"

namespace toptheta {

namespace {

// The columns that hold attributes of the whole table.
struct CsvMeta {
  std::int64_t length_bins = 0;
  KeptEnds kept{};
  bool operator==(const CsvMeta&) const = default;
};

struct CsvLine {
  std::string where;
  std::int32_t layer = 0;
  std::int32_t head = 0;
  std::int64_t k = 0;
  std::int64_t k_in_force = 0;
  CsvMeta meta{};
  RhoLaw law{};  // of the line's head
  ThresholdEntry entry{};
};

std::vector<std::string_view> split(std::string_view line) {
  std::vector<std::string_view> parts;
  for (;;) {
    const std::size_t comma = line.find(',');
    parts.push_back(line.substr(0, comma));
    if (comma == std::string_view::npos) return parts;
    line.remove_prefix(comma + 1);
  }
}

template <class Number>
std::optional<Number> number_in(std::string_view text) {
  Number value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

// The columns of a file, in its order, and how to read a cell of each.
class CsvHeader {
 public:
  CsvHeader(std::string_view line, const std::string& where) : names_(split(line)) {
    for (const std::string_view name : names_) {
      if (std::count(names_.begin(), names_.end(), name) > 1)
        throw InputError({.where = where, .what = fmt::format("the column '{}' appears twice", name)});
      if (!is_place(name) && column_named(name) == nullptr)
        throw InputError({.where = where,
                          .what = fmt::format("'{}' is not a column of a threshold table", name),
                          .expected = "layer,head,length,k,theta,std,count,sdc,kept_mass"});
    }
    for (const char* name : {"layer", "head", "k"})
      require_column(name, where);
    for (const ThresholdColumn& column : kThresholdColumns)
      if (!column.may_be_missing) require_column(column.name, where);
  }

  [[nodiscard]] CsvLine read(std::string_view text, std::string where) const {
    CsvLine line{.where = std::move(where)};
    const std::vector<std::string_view> cells = split(text);
    if (cells.size() != names_.size())
      throw InputError({.where = line.where,
                        .what = "wrong number of columns",
                        .expected = fmt::format("{}, as in the header", names_.size()),
                        .found = fmt::format("{}", cells.size())});
    for (std::size_t i = 0; i < cells.size(); ++i)
      read_cell(names_[i], cells[i], line);
    if (line.k_in_force == 0) line.k_in_force = line.k;
    auto fault = find_fault(line.entry);
    if (!fault) fault = find_fault(line.law);
    if (fault)
      throw InputError({.where = fmt::format("{}, {}", line.where, fault->field),
                        .what = "a value out of range",
                        .expected = fault->expected,
                        .found = fault->found});
    return line;
  }

 private:
  static bool is_place(std::string_view name) {
    return name == "layer" || name == "head" || name == "k" || name == "k_in_force" ||
           member_of_meta(name) != nullptr || member_of_law(name) != nullptr;
  }
  // Columns that hold an attribute of the table, with the same value in every line.
  using MetaMember = std::int64_t& (*)(CsvMeta&);
  static MetaMember member_of_meta(std::string_view name) {
    if (name == "length_bins") return [](CsvMeta& meta) -> std::int64_t& { return meta.length_bins; };
    if (name == "keep_first") return [](CsvMeta& meta) -> std::int64_t& { return meta.kept.first; };
    if (name == "keep_recent") return [](CsvMeta& meta) -> std::int64_t& { return meta.kept.recent; };
    return nullptr;
  }
  // Columns that hold a coefficient of the head's law for rho.
  using LawMember = double RhoLaw::*;
  static LawMember member_of_law(std::string_view name) {
    if (name == "rho_law_0") return &RhoLaw::constant;
    if (name == "rho_law_1") return &RhoLaw::of_length;
    if (name == "rho_law_2") return &RhoLaw::of_kept;
    return nullptr;
  }
  static const ThresholdColumn* column_named(std::string_view name) {
    const auto found = std::find_if(kThresholdColumns.begin(), kThresholdColumns.end(),
                                    [name](const ThresholdColumn& column) { return column.name == name; });
    return found == kThresholdColumns.end() ? nullptr : &*found;
  }
  void require_column(std::string_view name, const std::string& where) const {
    if (std::find(names_.begin(), names_.end(), name) == names_.end())
      throw InputError({.where = where,
                        .what = fmt::format("not a threshold table: no column '{}'", name),
                        .expected = "layer,head,length,k,theta,std,count,sdc,kept_mass"});
  }

  template <class Number>
  static Number require_number(std::string_view name, std::string_view cell, const CsvLine& line,
                               Number least) {
    const auto value = number_in<Number>(cell);
    if (!value || *value < least)
      throw InputError(
          {.where = fmt::format("{}, {}", line.where, name),
           .what = "not a valid number for this column",
           .expected = std::is_integral_v<Number> ? fmt::format("a whole number from {}", least) : "a number",
           .found = fmt::format("'{}'", shortened(cell))});
    return *value;
  }

  static void read_cell(std::string_view name, std::string_view cell, CsvLine& line) {
    if (name == "layer") {
      line.layer = require_number<std::int32_t>(name, cell, line, 0);
    } else if (name == "head") {
      line.head = require_number<std::int32_t>(name, cell, line, 0);
    } else if (name == "k") {
      line.k = require_number<std::int64_t>(name, cell, line, 1);
    } else if (name == "k_in_force") {
      line.k_in_force = cell == "dense" ? kDenseK : require_number<std::int64_t>(name, cell, line, 1);
    } else if (const MetaMember of_meta = member_of_meta(name); of_meta != nullptr) {
      of_meta(line.meta) = require_number<std::int64_t>(name, cell, line, 0);
    } else if (const LawMember of_law = member_of_law(name); of_law != nullptr) {
      if (!cell.empty())  // else it stays NaN
        line.law.*of_law = require_number<double>(name, cell, line, std::numeric_limits<double>::lowest());
    } else {
      const ThresholdColumn& column = *column_named(name);
      if (cell.empty() && column.may_be_missing) return;  // stays NaN
      std::visit(
          [&](auto member) {
            using Value = decltype(value_type_of(member));
            line.entry.*member =
                require_number<Value>(name, cell, line, std::numeric_limits<Value>::lowest());
          },
          column.member);
    }
  }

  std::vector<std::string_view> names_;
};

std::vector<CsvLine> read_lines(std::string_view text, const std::string& file) {
  std::vector<CsvLine> lines;
  std::optional<CsvHeader> header;
  for (std::int64_t number = 1; !text.empty(); ++number) {
    const std::size_t end = text.find('\n');
    std::string_view part = text.substr(0, end);
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    if (part.ends_with('\r')) part.remove_suffix(1);
    std::string where = fmt::format("{}:line {}", file, number);
    if (!header) {
      header.emplace(part, where);
    } else if (!part.empty()) {
      lines.push_back(header->read(part, std::move(where)));
    }
  }
  if (lines.empty())
    throw InputError({.where = file,
                      .what = "holds no thresholds",
                      .expected = "a header layer,head,length,k,theta,std,count,... with lines below it"});
  return lines;
}

ModelShape shape_of(const std::vector<CsvLine>& lines) {
  ModelShape shape;
  for (const CsvLine& line : lines) {
    shape.num_layers = std::max<std::int64_t>(shape.num_layers, line.layer + std::int64_t{1});
    shape.num_heads = std::max<std::int64_t>(shape.num_heads, line.head + std::int64_t{1});
    if (const auto fault = find_fault(shape))
      throw InputError({.where = line.where,
                        .what = fmt::format("more layers and heads than a table may have ({})", fault->field),
                        .expected = fault->expected,
                        .found = fmt::format("layer {}, head {}", line.layer, line.head)});
  }
  return shape;
}

// The attributes in the columns, which must be the same in every line.
TableMeta meta_of(const std::vector<CsvLine>& lines) {
  for (const CsvLine& line : lines)
    if (line.meta != lines.front().meta)
      throw InputError({.where = line.where,
                        .what = "length_bins, keep_first and keep_recent must be the same in every line"});
  TableMeta meta;
  meta.length_bins = lines.front().meta.length_bins;
  meta.kept = lines.front().meta.kept;
  if (const auto fault = find_fault(meta))
    throw InputError({.where = fmt::format("{}, {}", lines.front().where, fault->field),
                      .what = "a value out of range",
                      .expected = fault->expected,
                      .found = fault->found});
  return meta;
}

// Whether the lines of each head have only one k, and heads of a layer differ: a table with a k for each
// head.
bool is_by_head(const std::vector<CsvLine>& lines) {
  std::map<std::pair<std::int32_t, std::int32_t>, std::int64_t> of_head;
  std::map<std::int32_t, std::int64_t> of_layer;
  bool differ = false;
  for (const CsvLine& line : lines) {
    if (of_head.emplace(std::pair(line.layer, line.head), line.k).first->second != line.k) return false;
    differ = differ || of_layer.emplace(line.layer, line.k).first->second != line.k;
  }
  return differ;
}

// Inserts an entry so that lengths ascend; each may occur once.
void add_entry(std::vector<ThresholdEntry>& cell, const CsvLine& line) {
  const auto after = std::lower_bound(
      cell.begin(), cell.end(), line.entry.length,
      [](const ThresholdEntry& entry, std::int32_t length) { return entry.length < length; });
  if (after != cell.end() && after->length == line.entry.length)
    throw InputError({.where = line.where,
                      .what = "a second line for the same layer, head, row length and k",
                      .found = fmt::format("layer {}, head {}, length {}, k = {}", line.layer, line.head,
                                           line.entry.length, format_k(line.k))});
  cell.insert(after, line.entry);
}

// The k that applies to each head; kDenseK for a head without lines, which does not affect the smallest k of
// its layer.
std::vector<std::int64_t> k_of_heads(const std::vector<const CsvLine*>& lines, const ModelShape& shape) {
  std::vector<std::int64_t> k(static_cast<std::size_t>(shape.num_layers * shape.num_heads), kDenseK);
  for (const CsvLine* line : lines) {
    std::int64_t& of_head = k[static_cast<std::size_t>(line->layer * shape.num_heads + line->head)];
    if (of_head != kDenseK && of_head != line->k_in_force)
      throw InputError({.where = line->where,
                        .what = "two different k for the same layer and head",
                        .expected = format_k(of_head),
                        .found = format_k(line->k_in_force)});
    of_head = line->k_in_force;
  }
  return k;
}

// The law of each head, which all of its lines must state alike.
std::vector<RhoLaw> laws_of_heads(const std::vector<const CsvLine*>& lines, const ModelShape& shape) {
  const auto same = [](double a, double b) { return a == b || (std::isnan(a) && std::isnan(b)); };
  std::vector<const CsvLine*> first(static_cast<std::size_t>(shape.num_layers * shape.num_heads), nullptr);
  std::vector<RhoLaw> laws(first.size());
  for (const CsvLine* line : lines) {
    const auto cell = static_cast<std::size_t>(line->layer * shape.num_heads + line->head);
    if (first[cell] == nullptr) {
      first[cell] = line;
      laws[cell] = line->law;
    }
    const RhoLaw& known = laws[cell];
    if (!same(known.constant, line->law.constant) || !same(known.of_length, line->law.of_length) ||
        !same(known.of_kept, line->law.of_kept))
      throw InputError({.where = line->where,
                        .what = "rho_law_0, rho_law_1 and rho_law_2 must be the same in every line of a head",
                        .expected = fmt::format("what {} says", first[cell]->where),
                        .found = fmt::format("another law for layer {}, head {}", line->layer, line->head)});
  }
  return laws;
}

Target target_of(std::int64_t k, const std::vector<const CsvLine*>& lines, const ModelShape& shape) {
  Target target{k, {}, ThresholdCells(static_cast<std::size_t>(shape.num_layers * shape.num_heads))};
  std::vector<std::int64_t> head_k = k_of_heads(lines, shape);
  target.layer_k = layer_k_of(head_k, shape.num_heads);
  const auto heads = static_cast<std::size_t>(shape.num_heads);
  for (std::size_t cell = 0; cell < head_k.size(); ++cell)
    if (head_k[cell] != kDenseK && head_k[cell] != target.layer_k[cell / heads]) target.head_k = head_k;
  for (const CsvLine* line : lines)
    add_entry(target.cells[static_cast<std::size_t>(line->layer * shape.num_heads + line->head)], *line);
  target.rho_laws = laws_of_heads(lines, shape);
  if (!target.has_rho_laws()) target.rho_laws.clear();
  if (k == 0) target.k = mean_k(head_k);
  return target;
}

}  // namespace

ThresholdTable read_csv(const std::filesystem::path& path, Placement placement) {
  const std::string file = path.string();
  const std::string text = read_text_file(path);
  const std::vector<CsvLine> lines = read_lines(text, file);
  ThresholdTable table{meta_of(lines), {}};
  table.meta.shape = shape_of(lines);
  table.meta.placement = placement;
  table.meta.estimator = "unknown (from a .csv)";
  const bool by_head = is_by_head(lines);
  std::vector<std::int64_t> order;
  std::map<std::int64_t, std::vector<const CsvLine*>> of_target;
  for (const CsvLine& line : lines) {
    std::vector<const CsvLine*>& group = of_target[by_head ? 0 : line.k];
    if (group.empty()) order.push_back(by_head ? 0 : line.k);
    group.push_back(&line);
  }
  if (const auto fault = find_fault_of_targets(static_cast<std::int64_t>(order.size()), table.meta.shape))
    throw InputError(
        {.where = file, .what = "too many different k", .expected = fault->expected, .found = fault->found});
  for (const std::int64_t k : order)
    table.targets.push_back(target_of(k, of_target[k], table.meta.shape));
  return table;
}

}  // namespace toptheta

#include "theta/formats/csv.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <utility>

#include "io/atomic_file.hpp"
#include "theta/columns.hpp"
#include "theta/formats/number_text.hpp"
#include "theta/target_choice.hpp"

namespace toptheta {

namespace {

// The value of the column k in the lines of a cell.
std::int64_t shown_k(const Target& target, std::size_t cell) {
  return target.head_k.empty() ? target.k : target.k_of(cell);
}

// The columns of kThresholdColumns that some target has values for or that are always written.
std::vector<const ThresholdColumn*> written_columns(const std::vector<const Target*>& targets) {
  std::vector<const ThresholdColumn*> columns;
  for (const ThresholdColumn& column : kThresholdColumns)
    if (std::any_of(targets.begin(), targets.end(),
                    [&column](const Target* target) { return is_written(column, target->cells); }))
      columns.push_back(&column);
  return columns;
}

// Whether a head with entries has another k than the column k shows.
bool has_own_k(const std::vector<const Target*>& targets) {
  return std::any_of(targets.begin(), targets.end(), [](const Target* target) {
    for (std::size_t cell = 0; cell < target->cells.size(); ++cell)
      if (!target->cells[cell].empty() && target->k_of(cell) != shown_k(*target, cell)) return true;
    return false;
  });
}

void append_value(std::string& line, const ThresholdEntry& entry, const ThresholdColumn& column) {
  const auto append = [&](auto member) {
    const auto value = entry.*member;
    if constexpr (std::is_same_v<decltype(entry.*member), const double&>)
      line += shortest_or(value, "");
    else
      fmt::format_to(std::back_inserter(line), "{}", value);
  };
  std::visit(append, column.member);
}

// Attributes that are needed to use a table, as columns with the same value in every line: the header's and a
// line's part, each name and value after a comma.
std::pair<std::string, std::string> meta_columns(const TableMeta& meta) {
  std::pair<std::string, std::string> columns;
  const auto add = [&columns](const char* name, std::int64_t value) {
    if (value == 0) return;
    columns.first += fmt::format(",{}", name);
    columns.second += fmt::format(",{}", value);
  };
  add("length_bins", meta.length_bins);
  add("keep_first", meta.kept.first);
  add("keep_recent", meta.kept.recent);
  return columns;
}

// The columns of a head's law for rho, each after a comma: empty cells where the head has none.
std::string law_cells(const RhoLaw& law) {
  return fmt::format(",{},{},{}", shortest_or(law.constant, ""), shortest_or(law.of_length, ""),
                     shortest_or(law.of_kept, ""));
}

}  // namespace

void write_csv(const ThresholdTable& table, std::int64_t k, const std::filesystem::path& path) {
  const std::vector<const Target*> targets = choose_targets(table, k);
  const std::vector<const ThresholdColumn*> columns = written_columns(targets);
  const bool own_k = has_own_k(targets);
  const bool laws = std::any_of(targets.begin(), targets.end(),
                                [](const Target* target) { return target->has_rho_laws(); });
  std::string header = "layer,head";
  for (const ThresholdColumn* column : columns)
    header += fmt::format(",{}{}", column->name, column == columns.front() ? ",k" : "");
  AtomicFile file(path);
  const auto [meta_header, meta_cells] = meta_columns(table.meta);
  file.write(header + (own_k ? ",k_in_force" : "") + (laws ? ",rho_law_0,rho_law_1,rho_law_2" : "") +
             meta_header + "\n");
  const auto heads = static_cast<std::size_t>(table.meta.shape.num_heads);
  for (const Target* target : targets) {
    for (std::size_t cell = 0; cell < target->cells.size(); ++cell) {
      std::string lines;
      const std::string law = laws ? law_cells(target->rho_law_of(cell)) : std::string();
      for (const ThresholdEntry& entry : target->cells[cell]) {
        fmt::format_to(std::back_inserter(lines), "{},{}", cell / heads, cell % heads);
        for (const ThresholdColumn* column : columns) {
          lines += ',';
          append_value(lines, entry, *column);
          if (column == columns.front()) lines += "," + format_k(shown_k(*target, cell));
        }
        if (own_k) lines += "," + format_k(target->k_of(cell));
        lines += law + meta_cells + '\n';
      }
      file.write(lines);
    }
  }
  file.commit();
}

}  // namespace toptheta

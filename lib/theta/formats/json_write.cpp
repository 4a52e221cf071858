#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <span>

#include "io/atomic_file.hpp"
#include "theta/columns.hpp"
#include "theta/formats/json.hpp"
#include "theta/formats/meta_json.hpp"
#include "theta/formats/provenance_json.hpp"
#include "theta/target_choice.hpp"

namespace toptheta {

namespace {

// Tables can have millions of entries, so cells are written one by one and never held as a JSON value.
std::string column_text(const ThresholdColumn& column, const std::vector<ThresholdEntry>& entries) {
  std::string text = fmt::format(", \"{}\": [", column.name);
  std::visit(
      [&](auto member) {
        for (std::size_t i = 0; i < entries.size(); ++i) {
          const auto value = entries[i].*member;
          if (i > 0) text += ", ";
          if (column.may_be_missing && std::isnan(static_cast<double>(value)))
            text += "null";
          else
            fmt::format_to(std::back_inserter(text), "{}", value);
        }
      },
      column.member);
  return text + "]";
}

using WrittenColumns = std::vector<const ThresholdColumn*>;

std::string cell_text(std::size_t layer, std::size_t head, const std::vector<ThresholdEntry>& entries,
                      const WrittenColumns& columns) {
  std::string text = fmt::format("{{\"layer\": {}, \"head\": {}", layer, head);
  for (const ThresholdColumn* column : columns)
    text += column_text(*column, entries);
  return text + "}";
}

std::string k_text(std::span<const std::int64_t> all_k) {
  std::string text;
  for (const std::int64_t k : all_k)
    text += (text.empty() ? "" : ", ") + (k == kDenseK ? std::string("\"dense\"") : fmt::format("{}", k));
  return "[" + text + "]";
}

// The text `, "head_k": [...]` with one list for each layer; empty where the target has no head_k.
std::string head_k_text(const Target& target, std::size_t num_heads) {
  std::string text;
  for (std::size_t first = 0; first < target.head_k.size(); first += num_heads)
    text += (first == 0 ? "" : ", ") + k_text(std::span(target.head_k).subspan(first, num_heads));
  return text.empty() ? text : fmt::format(", \"head_k\": [{}]", text);
}

// The text `, "rho_law": [...]` with one list for each layer; empty where no head has a law.
std::string rho_law_text(const Target& target, std::size_t num_heads) {
  if (!target.has_rho_laws()) return "";
  std::string text;
  for (std::size_t cell = 0; cell < target.rho_laws.size(); ++cell) {
    const RhoLaw& law = target.rho_laws[cell];
    text += cell == 0 ? "[" : cell % num_heads == 0 ? "], [" : ", ";
    text += law.any() ? fmt::format("[{}, {}, {}]", law.constant, law.of_length, law.of_kept) : "null";
  }
  return fmt::format(",\n \"rho_law\": [{}]]", text);
}

void write_target(const Target& target, std::size_t num_heads, AtomicFile& file) {
  file.write(fmt::format("{{\"k\": {}, \"layer_k\": {}{}{},\n \"cells\": [", target.k, k_text(target.layer_k),
                         head_k_text(target, num_heads), rho_law_text(target, num_heads)));
  WrittenColumns columns;
  for (const ThresholdColumn& column : kThresholdColumns)
    if (is_written(column, target.cells)) columns.push_back(&column);
  const char* separator = "\n  ";
  for (std::size_t cell = 0; cell < target.cells.size(); ++cell) {
    if (target.cells[cell].empty()) continue;
    file.write(separator + cell_text(cell / num_heads, cell % num_heads, target.cells[cell], columns));
    separator = ",\n  ";
  }
  file.write("]}");
}

}  // namespace

void write_json(const ThresholdTable& table, std::int64_t k, const std::filesystem::path& path) {
  const std::vector<const Target*> targets = choose_targets(table, k);
  AtomicFile file(path);
  const bool by_head = std::any_of(targets.begin(), targets.end(),
                                   [](const Target* target) { return !target->head_k.empty(); });
  file.write(fmt::format("{{\"schema\": \"toptheta.thresholds/{}\",\n\"meta\": ", by_head ? 2 : 1) +
             dump_json(json_from(table.meta)));
  file.write(",\n\"provenance\": " + dump_json(json_from(table.meta.provenance)) + ",\n\"targets\": [");
  for (std::size_t t = 0; t < targets.size(); ++t) {
    file.write(t == 0 ? "\n" : ",\n");
    write_target(*targets[t], static_cast<std::size_t>(table.meta.shape.num_heads), file);
  }
  file.write("]}\n");
  file.commit();
}

}  // namespace toptheta

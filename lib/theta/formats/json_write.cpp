#include <fmt/format.h>

#include <algorithm>
#include <span>

#include "io/atomic_file.hpp"
#include "theta/formats/json.hpp"
#include "theta/formats/meta_json.hpp"
#include "theta/formats/number_text.hpp"
#include "theta/formats/provenance_json.hpp"
#include "theta/target_choice.hpp"

namespace toptheta {

namespace {

// Tables can have millions of entries, so cells are written one by one and never held as a JSON value.
template <typename Format>
std::string column(const char* name, const std::vector<ThresholdEntry>& entries, Format format) {
  std::string text = fmt::format(", \"{}\": [", name);
  for (std::size_t i = 0; i < entries.size(); ++i)
    text += (i == 0 ? "" : ", ") + format(entries[i]);
  return text + "]";
}

std::string cell_text(std::size_t layer, std::size_t head, const std::vector<ThresholdEntry>& entries) {
  using Entry = ThresholdEntry;
  return fmt::format("{{\"layer\": {}, \"head\": {}", layer, head) +
         column("length", entries, [](const Entry& e) { return fmt::format("{}", e.length); }) +
         column("theta", entries, [](const Entry& e) { return fmt::format("{}", e.theta); }) +
         column("std", entries, [](const Entry& e) { return fmt::format("{}", e.std); }) +
         column("count", entries, [](const Entry& e) { return fmt::format("{}", e.count); }) +
         column("sdc", entries, [](const Entry& e) { return shortest_or(e.sdc, "null"); }) +
         column("kept_mass", entries, [](const Entry& e) { return shortest_or(e.kept_mass, "null"); }) + "}";
}

std::string k_text(std::span<const std::int64_t> all_k) {
  std::string text;
  for (const std::int64_t k : all_k)
    text += (text.empty() ? "" : ", ") + (k == kDenseK ? std::string("\"dense\"") : fmt::format("{}", k));
  return "[" + text + "]";
}

// , "head_k": one list for each layer.
std::string head_k_text(const Target& target, std::size_t num_heads) {
  std::string text;
  for (std::size_t first = 0; first < target.head_k.size(); first += num_heads)
    text += (first == 0 ? "" : ", ") + k_text(std::span(target.head_k).subspan(first, num_heads));
  return text.empty() ? text : fmt::format(", \"head_k\": [{}]", text);
}

void write_target(const Target& target, std::size_t num_heads, AtomicFile& file) {
  file.write(fmt::format("{{\"k\": {}, \"layer_k\": {}{},\n \"cells\": [", target.k, k_text(target.layer_k),
                         head_k_text(target, num_heads)));
  const char* separator = "\n  ";
  for (std::size_t cell = 0; cell < target.cells.size(); ++cell) {
    if (target.cells[cell].empty()) continue;
    file.write(separator + cell_text(cell / num_heads, cell % num_heads, target.cells[cell]));
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

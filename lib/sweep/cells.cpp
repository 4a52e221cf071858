#include "sweep/cells.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <set>

#include "core/error.hpp"
#include "core/utf8.hpp"
#include "io/json_reader.hpp"
#include "report/json.hpp"

namespace toptheta {

namespace {

namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;

std::string shown(const Json& value) {
  return shortened(value.is_string() ? value.get<std::string>() : value.dump(), 300);
}

[[noreturn]] void refuse_other(const fs::path& path, const std::string& member, const Json& expected,
                               const Json& found) {
  throw InputError({.where = path.string(),
                    .what = fmt::format("is a cell of another sweep, with another {}", member),
                    .expected = shown(expected),
                    .found = shown(found),
                    .next = "give another directory with -o, or remove the cell to have it run again"});
}

// Throws unless what both cells were made from is the same.
void require_same(const fs::path& path, const Json& expected, const JsonValue& found) {
  const std::string model = expected.at("model").at("sha256").get<std::string>();
  const std::string& other_model = found.object("model").text("sha256");
  if (model != other_model) refuse_other(path, "model", model, other_model);
  const JsonValue provenance = found.object("provenance");
  for (const auto& [member, value] : expected.at("provenance").items()) {
    const auto other = provenance.find(member);
    const Json there = other ? Json(other->raw()) : Json(nullptr);
    if (nlohmann::json(value) != nlohmann::json(there)) refuse_other(path, member, value, there);
  }
}

}  // namespace

fs::path cell_path(const fs::path& directory, const std::string& name) {
  return directory / "cells" / (name + ".json");
}

std::string cell_text(const Results& results) {
  Json json = json_of(results);
  for (Json& run : json["runs"])
    run["seconds"] = Json::object();
  json["provenance"].erase("threads");
  return format_json(json);
}

bool is_finished(const fs::path& directory, const std::string& name, const Results& expected) {
  const fs::path path = cell_path(directory, name);
  if (!fs::exists(path)) return false;
  const JsonValue cell = read_json_file(path);
  if (cell.text_or("schema", "") != kResultSchema || cell.elements("runs").size() != 1 ||
      cell.object("provenance").text("command").empty() || cell.object("model").text("sha256").empty())
    throw InputError({.where = path.string(), .what = "not a cell of a sweep", .next = "remove it"});
  require_same(path, Json::parse(cell_text(expected)), cell);
  return true;
}

void require_no_others(const fs::path& directory, std::span<const std::string> names) {
  const std::set<std::string> known(names.begin(), names.end());
  if (!fs::is_directory(directory / "cells")) return;
  std::vector<fs::path> others;
  for (const auto& entry : fs::directory_iterator(directory / "cells"))
    if (entry.path().extension() == ".json" && !known.contains(entry.path().stem().string()))
      others.push_back(entry.path());
  if (others.empty()) return;
  std::ranges::sort(others);
  throw UsageError({.where = others.front().string(),
                    .what = others.size() == 1
                                ? "is not a cell of this sweep"
                                : fmt::format("and {} more are not cells of this sweep", others.size() - 1),
                    .next = "give another directory with -o, or remove the cells of the other sweep"});
}

std::vector<std::string> describe_cells(const fs::path& directory) {
  const fs::path plan = directory / "sweep.json";
  if (!fs::is_regular_file(plan)) return {};
  std::set<std::string> listed;
  for (const JsonValue& name : read_json_file(plan).elements("cells"))
    listed.insert(name.text());
  std::set<std::string> there;
  std::error_code ignored;
  for (const auto& entry : fs::directory_iterator(directory / "cells", ignored))
    if (entry.path().extension() == ".json" && !entry.path().filename().string().starts_with('.'))
      there.insert(entry.path().stem().string());
  std::vector<std::string> sentences;
  const auto describe = [&](const std::set<std::string>& from, const std::set<std::string>& without,
                            const char* how) {
    std::vector<std::string> names;
    std::ranges::set_difference(from, without, std::back_inserter(names));
    if (names.empty()) return;
    sentences.push_back(fmt::format("{}: {} of {} cells {} (the first: {})", directory.string(), names.size(),
                                    from.size(), how, printable(names.front())));
  };
  describe(listed, there, "that sweep.json lists are missing");
  describe(there, listed, "are not in sweep.json");
  return sentences;
}

void remove_remains(const fs::path& path) {
  const std::string start = "." + path.filename().string().substr(0, 200) + ".";
  std::error_code ignored;
  std::vector<fs::path> remains;
  for (const auto& entry : fs::directory_iterator(path.parent_path(), ignored)) {
    const std::string name = entry.path().filename().string();
    if (name.size() == start.size() + 20 && name.starts_with(start) && name.ends_with(".tmp"))
      remains.push_back(entry.path());
  }
  for (const fs::path& one : remains)
    fs::remove(one, ignored);
}

}  // namespace toptheta

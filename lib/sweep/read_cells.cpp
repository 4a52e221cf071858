#include "sweep/read_cells.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>
#include <numeric>
#include <utility>

#include "attention/policies/common_options.hpp"
#include "core/error.hpp"
#include "io/json_reader.hpp"
#include "report/json.hpp"
#include "sweep/cell_name.hpp"

namespace toptheta {

namespace {

namespace fs = std::filesystem;

constexpr double kNotANumber = std::numeric_limits<double>::quiet_NaN();

// The words of a command line as core/provenance.hpp quotes them.
std::vector<std::string> words_of_command(const std::string& command) {
  std::vector<std::string> words(1);
  bool quoted = false;
  for (std::size_t i = 0; i < command.size(); ++i) {
    const char c = command[i];
    if (c == '\'') {
      quoted = !quoted;
    } else if (c == ' ' && !quoted) {
      words.emplace_back();
    } else {
      if (c == '\\' && !quoted && i + 1 < command.size()) ++i;
      words.back() += command[i];
    }
  }
  return words;
}

// The flags in the command of a sweep's cell, except model, task and policy. All have the form --KEY VALUE.
std::string protocol_of(const std::string& command) {
  const std::vector<std::string> words = words_of_command(command);
  std::string text;
  for (std::size_t i = 2; i < words.size(); ++i) {
    const bool has_value = i + 1 < words.size() && !words[i + 1].starts_with("--");
    const std::string key = words[i].substr(std::min<std::size_t>(2, words[i].size()));
    const std::string value = has_value ? words[++i] : "";
    if (key == "model" || key == "task" || key == "attention" || key == "k" || key == "layer-k" ||
        key == "thresholds" || find_common_option(key) != nullptr)
      continue;
    text += fmt::format("{}{}{}{}", text.empty() ? "" : " ", key, has_value ? "=" : "", value);
  }
  return text;
}

// Layers whose k is not that of the policy: "0:512,1:dense"; "heads" if heads of one layer differ.
std::string own_k_text(const JsonValue& policy, std::int64_t k) {
  if (policy.has("head_k")) return "heads";
  std::string text;
  std::int64_t layer = 0;
  for (const JsonValue& one : policy.elements("layer_k")) {
    const std::int64_t own = one.is_null() ? 0 : one.integer(1, kDenseK);
    if (own != k && k != 0)
      text += fmt::format("{}{}:{}", text.empty() ? "" : ",", layer, own == 0 ? "dense" : format_k(own));
    ++layer;
  }
  return text;
}

// Members that do not identify the policy, or that are expressed in another way.
bool is_said(const std::string& key) {
  for (const char* said :
       {"attention", "k", "thresholds", "layer_k", "head_k", "add_sigma", "topk_at_calibration"})
    if (key == said) return true;
  return false;
}

void name_policy(const JsonValue& policy, CellResult& cell) {
  cell.attention = policy.text("attention");
  cell.k = policy.integer_or("k", 1, kDenseK, 0);
  cell.policy = cell.family = cell.attention;
  if (cell.k > 0) cell.policy += fmt::format(" k={}", cell.k);
  const auto add = [&cell](const std::string& text, bool is_number) {
    cell.policy += " " + text;
    if (!is_number) cell.family += " " + text;
  };
  if (const std::string own = own_k_text(policy, cell.k); !own.empty() && !cell.is_dense())
    add("layer-k=" + own, own == "heads");
  for (const auto& [key, value] : policy.raw().items()) {
    if (is_said(key) || value.is_null() || value == false || value == "none" || value == "pre-softmax" ||
        value == "nearest" || (key == "sdc_scale" && value == 1.0))
      continue;
    std::string name = key;
    std::ranges::replace(name, '_', '-');
    const std::string text = value.is_string() ? value.get<std::string>() : value.dump();
    add(value == true        ? name
        : key == "placement" ? text
                             : fmt::format("{}={}", name, text),
        value.is_number() && key != "sdc_scale");
  }
}

// Metrics that are the share of examples that are right; `samples` hold 1 or 0 for each.
bool is_proportion(std::string_view metric) {
  return metric == "acc" || metric == "acc_norm" || metric.starts_with("exact_match");
}

bool is_share(std::string_view name) {
  constexpr std::string_view kShares[] = {"same_top", "kept_elements", "v_rows",
                                          "k_rows",   "tiles",         "lost_mass"};
  return is_proportion(name) || std::ranges::find(kShares, name) != std::end(kShares);
}

void require_share(const std::string& name, double value, const JsonValue& at) {
  constexpr double kSlack = 1e-6;  // sums of shares may exceed their bounds by rounding
  if (is_share(name) && (value < -kSlack || value > 1 + kSlack)) at.fail("out of range", "0 to 1");
}

template <class Estimate>
Estimate estimate_of(const JsonValue& json) {
  Estimate estimate;
  estimate.value = json.number_or("value", kNotANumber);
  if (json.has("stderr")) estimate.standard_error = json.number("stderr");
  if (estimate.standard_error.value_or(0) < 0) json.at("stderr").fail("out of range", "at least 0");
  if (json.has("low") && json.has("high"))
    estimate.interval = ConfidenceInterval{json.number("low"), json.number("high")};
  if (estimate.interval && estimate.interval->low > estimate.interval->high)
    json.at("low").fail("above the interval's high end", fmt::format("at most {}", estimate.interval->high));
  return estimate;
}

// A value that was changed by hand would pass a gate that its samples do not. `samples` are those of a
// proportion; examples whose value is not a number are left out of it.
void require_agreement(const std::vector<double>& samples, const CellResult& cell, const std::string& metric,
                       const JsonValue& at) {
  const auto value = cell.values.find(metric);
  if (std::ranges::any_of(samples, [](double one) { return std::isnan(one); }) || samples.empty()) return;
  if (cell.examples > 0 && std::cmp_not_equal(samples.size(), cell.examples))
    at.fail("not one value for each example", fmt::format("{}, as task.examples says", cell.examples));
  const double mean =
      std::accumulate(samples.begin(), samples.end(), 0.0) / static_cast<double>(samples.size());
  if (value != cell.values.end() && std::fabs(value->second.value - mean) > 1e-6)
    at.fail(fmt::format("their mean is not the value of {}", metric),
            fmt::format("a mean of {}, not {}", value->second.value, mean));
}

PairedDifference paired_of(const JsonValue& json) {
  constexpr std::int64_t kMany = std::int64_t{1} << 53;
  auto paired = estimate_of<PairedDifference>(json);
  if (json.has("better")) paired.better = json.integer("better", 0, kMany);
  if (json.has("worse")) paired.worse = json.integer("worse", 0, kMany);
  if (json.has("p")) paired.p = json.number("p");
  return paired;
}

void read_values(const JsonValue& run, CellResult& cell) {
  for (const auto& [name, measure] : run.object("metrics").members()) {
    cell.values.emplace(name, estimate_of<Measure>(measure));
    require_share(name, cell.values.at(name).value, measure);
  }
  // A figure that is null has no meaning for the policy; those of layers and heads are lists.
  for (const auto& [name, figure] : run.object("sparsity").members()) {
    if (name == "phase" || figure.is_null() || figure.is_list()) continue;
    cell.values.emplace(name, Measure{figure.number()});
    require_share(name, figure.number(), figure);
  }
  if (const auto paired = run.find("paired"))
    for (const auto& [name, difference] : paired->members())
      cell.paired.emplace(name, paired_of(difference));
  if (const auto samples = run.find("samples"))
    for (const auto& [name, list] : samples->members()) {
      std::vector<double>& values = cell.samples[name];
      for (const JsonValue& value : list.elements())
        values.push_back(value.is_null() ? kNotANumber : value.number());
      if (is_proportion(name)) require_agreement(values, cell, name, list);
    }
}

CellResult cell_of(const JsonValue& run) {
  CellResult cell;
  const JsonValue task = run.object("task");
  cell.task = task.text("name");
  cell.task_sha256 = task.text_or("sha256", "");
  cell.definition = task.text_or("definition", "");
  cell.examples = task.integer_or("examples", 0, std::numeric_limits<std::int32_t>::max(), 0);
  cell.phase = run.object("sparsity").text("phase");
  name_policy(run.object("policy"), cell);
  cell.identity = safe_name(fmt::format("{}__{}__{}", cell.task, cell.policy, cell.phase));
  read_values(run, cell);
  return cell;
}

std::vector<CellResult> cells_of(const JsonValue& root, const std::string& name) {
  if (!root.is_object() || root.text_or("schema", "") != kResultSchema)
    throw InputError({.where = name,
                      .what = "not a result",
                      .expected = fmt::format("JSON of tt-eval run, schema {}", kResultSchema),
                      .next = "write it with tt-eval run -o result.json"});
  std::vector<CellResult> cells;
  const JsonValue provenance = root.object("provenance");
  std::map<std::string, int> times;
  for (const JsonValue& run : root.elements("runs")) {
    CellResult cell = cell_of(run);
    cell.model_sha256 = root.object("model").text_or("sha256", "");
    if (provenance.has("seed")) cell.seed = provenance.at("seed").unsigned_integer();
    // The same task and policy again.
    if (const int again = ++times[cell.identity]; again > 1) cell.identity += fmt::format("__{}", again);
    cell.name = cell.identity;
    cells.push_back(std::move(cell));
  }
  if (cells.empty()) throw InputError({.where = name, .what = "holds no runs"});
  return cells;
}

bool is_sweep(const fs::path& folder) {
  return fs::is_directory(folder / "cells");
}

// The results in a folder: the cells of a sweep, else the results of runs.
std::vector<fs::path> files_of(const fs::path& folder) {
  std::vector<fs::path> files;
  for (const auto& entry : fs::directory_iterator(is_sweep(folder) ? folder / "cells" : folder))
    if (entry.path().extension() == ".json" && !entry.path().filename().string().starts_with('.'))
      files.push_back(entry.path());
  if (files.empty())
    throw InputError({.where = folder.string(),
                      .what = "no results",
                      .expected = "cells/*.json, as tt-eval sweep -o writes them, or *.json of tt-eval run"});
  std::ranges::sort(files);
  return files;
}

// A copied cell, under whatever name, would count twice. Cells of a sweep have commands of their own.
void require_own_commands(const std::vector<CellResult>& cells, const std::vector<std::string>& commands,
                          const fs::path& folder) {
  std::map<std::string, std::string> known;
  for (std::size_t i = 0; i < cells.size(); ++i) {
    if (commands[i].empty()) continue;
    const auto [first, is_new] = known.emplace(commands[i], cells[i].file);
    if (!is_new && first->second != cells[i].file)
      throw InputError({.where = folder.string(),
                        .what = fmt::format("{}.json and {}.json both hold the result of one command",
                                            first->second, cells[i].file),
                        .found = commands[i],
                        .next = "remove one of them from the directory"});
  }
}

// In a folder of runs it is not clear which of two results for the same task and policy is meant.
void require_once(const std::vector<CellResult>& cells, const fs::path& folder) {
  std::map<std::string, std::string> known;
  for (const CellResult& cell : cells) {
    const auto [first, is_new] = known.emplace(
        fmt::format("{}\n{}\n{}", cell.model_sha256, cell.task_sha256, cell.identity), cell.file);
    if (!is_new)
      throw InputError({.where = folder.string(),
                        .what = fmt::format("{}.json and {}.json both hold {} on {} ({})", first->second,
                                            cell.file, cell.policy, cell.task, cell.phase),
                        .next = "remove one of them from the directory"});
  }
}

}  // namespace

std::vector<CellResult> parse_results(std::string_view text, const std::string& name) {
  return cells_of(parse_json(text, name), name);
}

std::vector<CellResult> cells_of(const Results& results) {
  return parse_results(format_json(results), "results");
}

std::vector<CellResult> read_results(const fs::path& path) {
  if (!fs::is_directory(path)) return cells_of(read_json_file(path), path.string());
  std::vector<CellResult> results;
  std::vector<std::string> commands;  // of each result
  for (const fs::path& file : files_of(path)) {
    const JsonValue root = read_json_file(file);
    std::vector<CellResult> own = cells_of(root, file.string());
    for (CellResult& cell : own) {
      cell.file = file.stem().string();
      cell.name = cell.file + (own.size() == 1 ? "" : "__" + cell.identity);
      commands.push_back(root.object("provenance").text_or("command", ""));
      if (is_sweep(path)) cell.protocol = protocol_of(commands.back());
      results.push_back(std::move(cell));
    }
  }
  if (is_sweep(path))
    require_own_commands(results, commands, path);
  else
    require_once(results, path);
  return results;
}

const CellResult* find_cell(const std::vector<CellResult>& cells, const std::string& name, bool by_identity) {
  const auto found = std::ranges::find(cells, name, by_identity ? &CellResult::identity : &CellResult::name);
  return found == cells.end() ? nullptr : &*found;
}

const CellResult* dense_beside(const std::vector<CellResult>& cells, const CellResult& cell) {
  const auto found = std::ranges::find_if(cells, [&cell](const CellResult& other) {
    return other.is_dense() && other.task == cell.task && other.phase == cell.phase &&
           other.task_sha256 == cell.task_sha256 && other.model_sha256 == cell.model_sha256 &&
           other.protocol == cell.protocol && other.examples == cell.examples;
  });
  return found == cells.end() ? nullptr : &*found;
}

}  // namespace toptheta

#include "tt_eval/sweep_cells.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <set>

#include "attention/policies/common_options.hpp"
#include "core/error.hpp"
#include "sweep/cell_name.hpp"
#include "tt_eval/sweep_parse.hpp"

namespace toptheta::app {

namespace {

using Settings = std::vector<std::pair<std::string, std::string>>;

bool is_of_policy(const std::string& key) {
  return key == "attention" || key == "k" || key == "layer-k" || key == "thresholds" ||
         find_common_option(key) != nullptr;
}

// Settings that say which files, where there is one way only; they do not tell cells apart.
bool is_silent(const SweepSetting& setting) {
  for (const char* key : {"model", "few-shot-file", "seed", "strict"})
    if (setting.key == key) return setting.values.size() == 1;
  return false;
}

void drop(Settings& settings, std::string_view key) {
  std::erase_if(settings, [key](const auto& setting) { return setting.first == key; });
}

std::string* value_of(Settings& settings, std::string_view key) {
  for (auto& [name, value] : settings)
    if (name == key) return &value;
  return nullptr;
}

std::string stem_of(const std::string& text) {
  const std::size_t colon = text.find(':');
  const std::filesystem::path path = colon == std::string::npos || std::filesystem::exists(text)
                                         ? std::filesystem::path(text)
                                         : std::filesystem::path(text.substr(colon + 1));
  return (path.has_filename() ? path : path.parent_path()).stem().string();
}

// What distinguishes a policy, in full.
std::string text_of(const Policy& policy) {
  std::string text = describe(policy);
  const std::string usual = fmt::format(" {}", name_of(Placement::pre_softmax));
  if (const std::size_t at = text.find(usual); at != std::string::npos) text.erase(at, usual.size());
  if (policy.lookup != LengthLookup{}) text += fmt::format(" lookup={}", name_of(policy.lookup));
  for (const LayerK& layer : policy.layer_k)
    text += fmt::format("{}{}:{}", &layer == policy.layer_k.data() ? " layer-k=" : ",", layer.layer,
                        format_k(layer.k));
  return text;
}

class CellMaker {
 public:
  CellMaker(const std::vector<SweepSetting>& settings, const ThresholdFiles& tables, std::uint64_t seed)
      : tables_(tables), seed_(seed) {
    for (const SweepSetting& setting : settings) {
      if (setting.key == "task-file")
        task_files_ = setting;
      else if (setting.key == "thresholds")
        thresholds_ = setting;
      else
        (is_of_policy(setting.key) ? of_policy_ : of_group_).push_back(setting);
    }
  }

  std::vector<SweepCell> make() {
    const auto policies = cross(of_policy_);
    for (const auto& group : cross(of_group_))
      for (const auto& policy : policies)
        add(chosen(of_group_, group), chosen(of_policy_, policy));
    require_used();
    make_distinct(names_, identities_);
    for (std::size_t i = 0; i < cells_.size(); ++i)
      cells_[i].name = names_[i];
    return std::move(cells_);
  }

 private:
  static Settings chosen(const std::vector<SweepSetting>& settings, const std::vector<std::size_t>& values) {
    Settings result;
    for (std::size_t i = 0; i < settings.size(); ++i)
      result.emplace_back(settings[i].key, settings[i].values[values[i]]);
    return result;
  }

  // Leaves out what means nothing for the policy, and returns it.
  Policy reduce(Settings& settings) const {
    const std::string text = *value_of(settings, "attention");
    const PolicyUnit& unit = *find_policy(std::string_view(text).substr(0, text.find(':')));
    if (!unit.has_k) drop(settings, "k");
    if (!unit.drops) drop(settings, "layer-k");
    for (const CommonOption& option : common_options())
      if (!option.fits(unit)) drop(settings, option.name);
    const std::string* const k = value_of(settings, "k");
    Policy policy = resolve_policies(parse_settings(settings).first.policies).front();
    if (k != nullptr && fmt::format("{}", policy.k) != *k) drop(settings, "k");
    if (policy.sdc == Sdc::none) drop(settings, "sdc-scale");
    return resolve_policies(parse_settings(settings).first.policies).front();
  }

  // The tables to try with a policy: those that fit it; all of them together where none does.
  [[nodiscard]] std::vector<std::vector<std::string>> tables_for(const Policy& policy) const {
    if (!needs_table(policy) || thresholds_.values.empty()) return {{}};
    std::vector<std::vector<std::string>> fitting;
    for (const std::string& path : thresholds_.values) {
      const auto file = tables_.find(path);
      if (file != tables_.end() && fits(file->second, policy)) fitting.push_back({path});
    }
    return fitting.empty() ? std::vector<std::vector<std::string>>{thresholds_.values} : fitting;
  }

  // The policy's k; where it names none, every k of the one table that it takes.
  [[nodiscard]] std::vector<std::int64_t> every_k(const Policy& policy,
                                                  const std::vector<std::string>& tables) const {
    const bool asks = has_thresholds(policy) && policy.k == 0 && tables.size() == 1;
    const auto file = asks ? tables_.find(tables.front()) : tables_.end();
    if (file == tables_.end() || file->second.table.targets.size() < 2) return {policy.k};
    return ascending_k(file->second.table);
  }

  void add(const Settings& group, Settings own) {
    const Policy policy = reduce(own);
    for (const auto& [key, value] : own)
      used_.insert(key);
    for (const std::vector<std::string>& tables : tables_for(policy))
      for (const std::int64_t k : every_k(policy, tables)) {
        Settings with_k = own;
        Policy one = policy;
        one.k = k;
        if (k != policy.k) with_k.emplace_back("k", fmt::format("{}", k));
        add_cell(group, with_k, tables, one);
      }
  }

  void add_cell(const Settings& group, const Settings& own, const std::vector<std::string>& tables,
                const Policy& policy) {
    SweepCell cell;
    cell.settings = group;
    for (const std::string& file : task_files_.values)
      cell.settings.emplace_back("task-file", file);
    for (const auto& [key, value] : cell.settings)
      cell.group += fmt::format("{}={}\n", key, value);
    cell.settings.insert(cell.settings.end(), own.begin(), own.end());
    for (const std::string& table : tables)
      cell.settings.emplace_back("thresholds", table);
    if (!tables.empty()) used_.insert("thresholds");
    std::string identity = cell.group + text_of(policy);
    for (const std::string& table : tables)
      identity += "\n" + table;
    if (std::ranges::count(identities_, identity) > 0) return;
    identities_.push_back(identity);
    std::tie(cell.flags, cell.seed) = parse_settings(cell.settings, seed_);
    cell.policy = policy;
    names_.push_back(name_of_cell(cell, group, tables));
    cells_.push_back(std::move(cell));
  }

  [[nodiscard]] std::string name_of_cell(const SweepCell& cell, const Settings& group,
                                         const std::vector<std::string>& tables) const {
    std::string name = fmt::format("{}__{}", stem_of(cell.flags.tasks.front()), text_of(cell.policy));
    if (thresholds_.values.size() > 1 && !tables.empty()) name += "-" + stem_of(tables.front());
    name += fmt::format("__{}", toptheta::name_of(cell.flags.phase));
    for (std::size_t i = 0; i < group.size(); ++i) {
      const auto& [key, value] = group[i];
      if (key == "task" || key == "phase" || value == "false" || is_silent(of_group_[i])) continue;
      name += fmt::format("__{}", key);
      if (value != "true") name += fmt::format("={}", key == "model" ? stem_of(value) : value);
    }
    return safe_name(name);
  }

  void require_used() const {
    for (const SweepSetting& setting : of_policy_)
      if (!used_.contains(setting.key)) refuse_unused(setting);
    if (!thresholds_.values.empty() && !used_.contains("thresholds")) refuse_unused(thresholds_);
  }

  [[noreturn]] static void refuse_unused(const SweepSetting& setting) {
    throw UsageError({.where = setting.where,
                      .what = fmt::format("'{}' applies to none of the policies", setting.key),
                      .next = "add a policy that it applies to, or drop it"});
  }

  const ThresholdFiles& tables_;
  std::uint64_t seed_;
  std::vector<SweepSetting> of_group_;
  std::vector<SweepSetting> of_policy_;
  SweepSetting task_files_;
  SweepSetting thresholds_;
  std::vector<SweepCell> cells_;
  std::vector<std::string> names_;
  std::vector<std::string> identities_;
  std::set<std::string> used_;
};

}  // namespace

ThresholdFiles readable_tables(const std::vector<SweepSetting>& settings, Console& console) {
  ThresholdFiles files;
  for (const SweepSetting& setting : settings) {
    if (setting.key != "thresholds") continue;
    for (const std::string& path : setting.values)
      try {
        files.emplace(path, std::move(load_thresholds({path}, console).front()));
      } catch (const Error&) {
        continue;  // said by the cells that need it
      }
  }
  return files;
}

std::vector<SweepCell> sweep_cells(const std::vector<SweepSetting>& settings, const ThresholdFiles& tables,
                                   std::uint64_t seed) {
  return CellMaker(settings, tables, seed).make();
}

}  // namespace toptheta::app

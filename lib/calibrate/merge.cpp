#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "calibrate/run.hpp"
#include "core/error.hpp"
#include "core/sha256.hpp"
#include "theta/formats/table_file.hpp"

namespace toptheta {

namespace {

// What is read of every part before the states of any are added.
struct PartSummary {
  std::filesystem::path path;
  PartIdentity identity;
  Stage stage;
};

PartSummary summarize(const std::filesystem::path& path) {
  CalibrationPart part = read_part(path);
  if (part.checkpoint)
    throw InputError({.where = part.path,
                      .what = "this is the checkpoint of an unfinished run, not a part",
                      .next = "finish that run with --resume, and merge the part it writes"});
  return {path, std::move(part.identity), part.position.stage};
}

void require_complete(const std::vector<PartSummary>& parts) {
  const std::int64_t count = parts.front().identity.shard.count;
  std::vector<std::int64_t> missing;
  std::size_t next = 0;
  for (std::int64_t shard = 0; shard < count; ++shard) {
    if (next == parts.size() || parts[next].identity.shard.index != shard) {
      missing.push_back(shard + 1);
      continue;
    }
    ++next;
    if (next < parts.size() && parts[next].identity.shard.index == shard)
      throw InputError({.where = parts[next].path.string(),
                        .what = fmt::format("shard {}/{} is given twice", shard + 1, count),
                        .found = parts[next - 1].path.string(),
                        .next = "leave one of them out"});
  }
  if (!missing.empty())
    throw InputError({.where = "merge",
                      .what = "some parts of the calibration are missing",
                      .expected = fmt::format("{} parts", count),
                      .found = fmt::format("{}, without shard {}", parts.size(), fmt::join(missing, ", ")),
                      .next = "run the missing shards, or give their files too"});
}

void require_compatible(const std::vector<PartSummary>& parts) {
  const PartSummary& first = parts.front();
  for (const PartSummary& part : parts) {
    require_same_calibration(first.identity, first.path.string(), part.identity, part.path.string());
    if (part.identity.shard.count != first.identity.shard.count)
      throw InputError({.where = part.path.string(),
                        .what = fmt::format("the number of shards is not that of {}", first.path.string()),
                        .expected = fmt::format("{} shards", first.identity.shard.count),
                        .found = fmt::format("{}", part.identity.shard.count)});
    if (part.stage != first.stage)
      throw InputError({.where = part.path.string(),
                        .what = "parts of the first round (thresholds) and of the second (SDC) are mixed",
                        .next = "merge the first round, then the second: docs/cluster.md"});
  }
}

// The inputs with the digests of all parts, each of which computed a share of them.
std::vector<CalibrationInput> joined_inputs(const std::vector<PartSummary>& parts) {
  std::vector<CalibrationInput> inputs = parts.front().identity.inputs;
  for (const PartSummary& part : parts)
    for (std::size_t i = 0; i < inputs.size(); ++i) {
      const std::string& digest = part.identity.inputs[i].sha256;
      if (inputs[i].sha256.empty()) inputs[i].sha256 = digest;
      if (!digest.empty() && digest != inputs[i].sha256)
        throw InputError({.where = part.path.string(),
                          .what = fmt::format("an input file is not that of {}", parts.front().path.string()),
                          .expected = inputs[i].sha256,
                          .found = digest + " " + part.identity.inputs[i].path});
    }
  return inputs;
}

ThresholdTable load_sdc_table(const PartIdentity& identity, const std::filesystem::path& path) {
  if (path.empty())
    throw UsageError({.where = "merge",
                      .what = "these parts are of the second round and hold SDC terms",
                      .expected = "the table of the first round: --sdc-from theta.h5"});
  const std::string digest = sha256_of_path(path);
  if (digest != identity.table_sha256)
    throw InputError({.where = path.string(),
                      .what = "this is not the table that the parts were made with",
                      .expected = identity.table_sha256,
                      .found = digest});
  return load_table(path);
}

}  // namespace

Calibration merge_calibration_parts(const std::vector<std::filesystem::path>& paths,
                                    const std::filesystem::path& sdc_table) {
  std::vector<PartSummary> parts;
  parts.reserve(paths.size());
  for (const auto& path : paths)
    parts.push_back(summarize(path));
  std::stable_sort(parts.begin(), parts.end(), [](const PartSummary& a, const PartSummary& b) {
    return a.identity.shard.index < b.identity.shard.index;
  });
  require_compatible(parts);
  require_complete(parts);
  const PartSummary& first = parts.front();
  CalibrationStates states(first.identity.setup);
  const bool sdc = first.stage == Stage::sdc;
  if (!sdc && !sdc_table.empty())
    throw UsageError({.where = "--sdc-from",
                      .what = "these parts are of the first round and hold thresholds",
                      .next = "leave it out, or give the parts of the second round"});
  if (sdc) states.begin_sdc(load_sdc_table(first.identity, sdc_table), sdc_table.string());
  for (const PartSummary& part : parts) {
    const CalibrationPart file = read_part(part.path);
    sdc ? states.add_saved_sdc(file.states()) : states.add_saved_thresholds(file.states());
  }
  Calibration result{sdc ? states.table_with_sdc() : states.table(), {}};
  result.warnings = sdc ? states.sdc_warnings(result.table) : states.warnings();
  result.table.meta.provenance = first.identity.provenance;
  result.table.meta.provenance.inputs = files_of(joined_inputs(parts));
  if (!sdc && first.identity.setup.options.has_sdc())
    result.warnings.emplace_back("these are the thresholds of the first round; SDC needs a second round");
  return result;
}

}  // namespace toptheta

#include "calibrate/states.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "calibration/retarget.hpp"
#include "core/error.hpp"
#include "core/running_tiles.hpp"

namespace toptheta {

namespace {

std::vector<std::vector<std::int64_t>> groups_of(const CalibrationOptions& options) {
  if (!options.tac) return {options.k};
  std::vector<std::vector<std::int64_t>> groups;
  groups.reserve(options.k.size());
  for (const std::int64_t k : options.k)
    groups.push_back({k});
  return groups;
}

SdcTerms terms_of(const CalibrationOptions& options) {
  return {options.offline_sdc, options.calibrated_sdc, options.rho_bins, options.rho_law, options.finished};
}

constexpr const char* kCurves = "curves-0";  // with curves there is only one group

std::string thresholds_name(std::size_t group) {
  return fmt::format("thresholds-{}", group);
}
std::string sdc_name(std::size_t group) {
  return fmt::format("sdc-{}", group);
}

// Curves count the elements of whole rows. The threshold of a row without its ends cannot be read from them.
void require_whole_rows(const CalibrationOptions& options) {
  if (options.kept.any())
    throw UsageError({.where = "--keep-first, --keep-recent",
                      .what = "curves count whole rows, including the positions that are kept in any case",
                      .next = "leave out --curve and --estimator pooled"});
}

// Under top-k at calibration each k makes the model produce different rows, but a table has room for the
// curves of one kind of rows only.
void require_one_k(const CalibrationOptions& options) {
  if (options.tac && options.k.size() > 1)
    throw UsageError(
        {.where = "--tac",
         .what = "under top-k at calibration every k has curves of its own, but a table holds one set",
         .expected = "one k",
         .found = fmt::format("{} values of k", options.k.size()),
         .next = "calibrate each k by itself, or drop --tac"});
}

// The second pass compares scores, which softmax weights do not tell.
void require_scores(const CalibrationSetup& setup) {
  if (!setup.options.has_sdc()) return;
  require_terms(setup.options.placement, terms_of(setup.options));
  if (setup.source.row_content == Placement::post_softmax)
    throw UsageError({.where = "--sdc",
                      .what = "its terms cannot come from rows taken after the softmax",
                      .expected = "rows with placement pre-softmax, or queries and keys",
                      .found = "rows with placement post-softmax",
                      .next = "leave out --sdc, or write a new dump before the softmax"});
}

// SDC terms belong to the thresholds of one table: it must have been fitted with the options of this setup.
void require_table(const CalibrationSetup& setup, const ThresholdTable& table, const std::string& name) {
  require_shape(table, setup.source.shape, name);
  const auto fail = [&](const char* what, const std::string& expected, const std::string& found) {
    throw UsageError({.where = name,
                      .what = fmt::format("its {} is not that of this calibration", what),
                      .expected = expected,
                      .found = found,
                      .next = "give the table and the flags of the first round"});
  };
  const auto k_text = [](const auto& items, auto k_of) {
    std::string text;
    for (const auto& item : items)
      text += (text.empty() ? "" : ",") + format_k(k_of(item));
    return text;
  };
  const std::string asked = k_text(setup.options.k, [](std::int64_t k) { return k; });
  const std::string there = k_text(table.targets, [](const Target& target) { return target.k; });
  if (asked != there) fail("list of k", asked, there);
  for (const Target& target : table.targets)
    if (!setup.options.finished &&
        (!target.head_k.empty() ||
         target.layer_k != resolve_layer_k(target.k, setup.options.layer_k, setup.source.shape.num_layers)))
      fail("k of single layers", "that of --layer-k", fmt::format("another, for k = {}", target.k));
  if (table.meta.placement != setup.options.placement)
    fail("placement", std::string(name_of(setup.options.placement)),
         std::string(name_of(table.meta.placement)));
  if (table.meta.add_sigma != setup.options.add_sigma)
    fail("add_sigma", fmt::format("{}", setup.options.add_sigma), fmt::format("{}", table.meta.add_sigma));
  const auto kept_text = [](const KeptEnds& kept) {
    return fmt::format("{} and {}", kept.first, kept.recent);
  };
  if (table.meta.kept != setup.options.kept)
    fail("pair of keep-first and keep-recent", kept_text(setup.options.kept), kept_text(table.meta.kept));
  if (table.meta.length_bins != setup.options.length_bins)
    fail("number of length bins", format_length_bins(setup.options.length_bins),
         format_length_bins(table.meta.length_bins));
  if (!setup.options.finished && table.meta.row_fraction != setup.options.row_fraction)
    fail("row_fraction", fmt::format("{}", setup.options.row_fraction),
         fmt::format("{}", table.meta.row_fraction));
  if (setup.options.curves && table.curves.empty()) fail("content", "curves too", "none");
}

}  // namespace

CalibrationStates::CalibrationStates(const CalibrationSetup& setup) : setup_(setup) {
  require_scores(setup);
  clear_thresholds();
}

void CalibrationStates::clear_thresholds() {
  fitters_.clear();
  const CalibrationOptions& options = setup_.options;
  for (const std::vector<std::int64_t>& k : groups_of(options))
    fitters_.push_back(std::make_unique<ThresholdFitter>(FitOptions{.k = k,
                                                                    .layer_k = options.layer_k,
                                                                    .placement = options.placement,
                                                                    .row_content = setup_.source.row_content,
                                                                    .add_sigma = options.add_sigma,
                                                                    .kept = options.kept,
                                                                    .length_bins = options.length_bins},
                                                         setup_.source.shape));
  if (!options.curves) return;
  require_one_k(options);
  require_whole_rows(options);
  curves_ = std::make_unique<CurveFitter>(options.placement, setup_.source.row_content, setup_.source.shape);
  joint_.emplace(*fitters_[0], *curves_);
}

std::int64_t CalibrationStates::smallest_k(std::size_t group) const {
  if (!setup_.options.finished) return fitters_[group]->smallest_k();
  std::int64_t smallest = kDenseK;
  for (const Target& target : tables_[group].targets)
    for (std::size_t cell = 0; cell < target.cells.size(); ++cell)
      if (!target.cells[cell].empty()) smallest = std::min(smallest, target.k_of(cell));
  return smallest;
}

RowSink& CalibrationStates::sink(std::size_t group) {
  return joint_ ? static_cast<RowSink&>(*joint_) : *fitters_[group];
}

std::int64_t CalibrationStates::topk_of(std::size_t group) const {
  return setup_.options.tac ? setup_.options.k[group] : 0;
}

ThresholdTable CalibrationStates::table() const {
  TableMeta meta;
  meta.model = setup_.source.model;
  meta.topk_at_calibration = setup_.options.tac || setup_.source.topk_at_calibration > 0;
  meta.row_fraction = setup_.options.row_fraction;
  ThresholdTable all = fitters_[0]->table(meta);
  for (std::size_t group = 1; group < fitters_.size(); ++group)
    all.targets.push_back(std::move(fitters_[group]->table(meta).targets.front()));
  if (curves_ == nullptr) return all;
  all.curves = curves_->curves();
  if (setup_.options.pooled) refit_pooled(all, setup_.options.layer_k);
  return all;
}

void CalibrationStates::begin_sdc() {
  begin_sdc(table(), "the thresholds");
}

void CalibrationStates::begin_sdc(const ThresholdTable& table, const std::string& name) {
  require_table(setup_, table, name);
  sdc_fitters_.clear();
  tables_.clear();
  for (std::size_t group = 0; group < groups(); ++group) {
    if (groups() == 1)
      tables_.push_back(table);
    else
      tables_.push_back({table.meta, {table.targets[group]}});
    sdc_fitters_.push_back(std::make_unique<SdcFitter>(tables_.back(), terms_of(setup_.options)));
  }
}

ThresholdTable CalibrationStates::table_with_sdc() const {
  ThresholdTable all{tables_.front().meta, {}, tables_.front().curves};
  for (std::size_t group = 0; group < tables_.size(); ++group) {
    ThresholdTable one = tables_[group];
    sdc_fitters_[group]->fill(one);
    for (Target& target : one.targets)
      all.targets.push_back(std::move(target));
  }
  return all;
}

std::vector<std::string> CalibrationStates::warnings() const {
  std::vector<std::string> warnings;
  for (const auto& fitter : fitters_)
    for (std::string& warning : fitter->warnings())
      warnings.push_back(std::move(warning));
  // A dump made under top-k shows rows as they are under that k.
  const std::int64_t topk = setup_.source.topk_at_calibration;
  for (const std::int64_t k : setup_.options.k)
    if (topk > 0 && k != topk)
      warnings.push_back(fmt::format(
          "the dumps were made under top-{0}; thresholds for k = {1} are fitted to rows as top-{0} left them",
          topk, k));
  return warnings;
}

std::vector<std::string> CalibrationStates::sdc_warnings(const ThresholdTable& table) const {
  if (!setup_.options.calibrated_sdc || setup_.options.placement == Placement::pre_softmax || table.has_rho())
    return {};
  return {
      fmt::format("no row drops a key between the tiles of {} keys at its two ends, so the table has no rho "
                  "for calibrated SDC",
                  kRunningTile)};
}

void CalibrationStates::save(hdf5::Group& group, bool thresholds, bool sdc) const {
  for (std::size_t i = 0; thresholds && i < fitters_.size(); ++i) {
    hdf5::Group own = group.create_group(thresholds_name(i));
    fitters_[i]->save(own);
  }
  if (thresholds && curves_ != nullptr) {
    hdf5::Group own = group.create_group(kCurves);
    curves_->save(own);
  }
  for (std::size_t i = 0; sdc && i < sdc_fitters_.size(); ++i) {
    hdf5::Group own = group.create_group(sdc_name(i));
    sdc_fitters_[i]->save(own);
  }
}

void CalibrationStates::add_saved_thresholds(const hdf5::Group& group) {
  for (std::size_t i = 0; i < fitters_.size(); ++i)
    fitters_[i]->add_saved(group.open_group(thresholds_name(i)));
  if (curves_ != nullptr) curves_->add_saved(group.open_group(kCurves));
}

void CalibrationStates::add_saved_sdc(const hdf5::Group& group) {
  for (std::size_t i = 0; i < sdc_fitters_.size(); ++i)
    sdc_fitters_[i]->add_saved(group.open_group(sdc_name(i)));
}

}  // namespace toptheta

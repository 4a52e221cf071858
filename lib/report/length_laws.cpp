#include "report/length_laws.hpp"

#include <fmt/format.h>

#include "calibration/length_law.hpp"
#include "report/json.hpp"
#include "theta/target_choice.hpp"

namespace toptheta {

namespace {

using Json = nlohmann::ordered_json;

std::vector<ListingColumn> law_columns() {
  return {{"k", "k"},
          {"layer", "layer"},
          {"head", "head"},
          {"curves", "curves", true, 6},
          {"lengths", "row lengths", false},
          {"a", "a"},
          {"b", "b"},
          {"b_error", "± b", true, 1},
          {"deviation", "deviation", true, 5},
          {"longest", "n max", true, 3},
          {"theta_longest", "theta(n max)", true, 2},
          {"theta_twice", "theta(2 n max)"},
          {"error_twice", "± theta(2 n max)", true, 4}};
}

std::vector<Json> cells_of(const LengthLaw& law) {
  const double twice = 2 * static_cast<double>(law.longest);
  const double error = law.error(twice);
  return {
      law.curves,
      fmt::format("{}-{}", law.shortest, law.longest),
      json_number(law.a),
      json_number(law.b),
      json_number(law.b_error),
      json_number(law.deviation),
      law.longest,
      json_number(law.theta(law.longest)),
      json_number(law.theta(twice)),
      json_number(law.placement == Placement::pre_softmax ? error : law.theta(twice) * std::expm1(error))};
}

std::string form_of(Placement placement) {
  return placement == Placement::pre_softmax
             ? "theta = a + b ln n; b_error and deviation in units of theta"
             : "ln theta = a + b ln n; b_error and deviation in units of ln theta";
}

}  // namespace

Listing length_laws_listing(const ThresholdTable& table, const ThresholdView& view) {
  require_view(table, view);
  Listing listing;
  listing.schema = "toptheta.length-laws/1";
  listing.heading = table_heading(table.meta) + "\n" + form_of(table.meta.placement);
  listing.about = about_table(table.meta);
  listing.about["law"] = form_of(table.meta.placement);
  listing.columns = law_columns();
  for (const Target* target : choose_targets(table, view.k))
    for (std::int64_t layer = 0; layer < table.meta.shape.num_layers; ++layer) {
      if (view.layer && layer != *view.layer) continue;
      for (std::int64_t head = 0; head < table.meta.shape.num_heads; ++head) {
        const std::size_t cell = table.cell_index(layer, head);
        if (target->k_of(cell) == kDenseK || (view.head && head != *view.head)) continue;
        std::vector<Json> row = {target->k, layer, head};
        const auto law = length_law(table.curves.cells[cell], table.meta.placement, target->k_of(cell));
        const std::vector<Json> cells =
            law ? cells_of(*law) : std::vector<Json>(listing.columns.size() - row.size(), nullptr);
        row.insert(row.end(), cells.begin(), cells.end());
        listing.rows.push_back(std::move(row));
      }
    }
  listing.notes.emplace_back(
      "theta(2 n max) is extrapolated; its error is valid only if the law holds beyond n max, where no row "
      "was calibrated");
  return listing;
}

}  // namespace toptheta

// Curves of the embedded model's own scores against exact quantiles.
#include <algorithm>
#include <functional>
#include <map>

#include "calibrate/model_source.hpp"
#include "calibration/curve_fitter.hpp"
#include "support/catch.hpp"
#include "support/embedded_model.hpp"

using namespace toptheta;

namespace {

// Every score of every layer, head and length bin.
class AllScores final : public RowSink {
 public:
  explicit AllScores(const ModelShape& shape)
      : heads_(shape.num_heads), cells_(static_cast<std::size_t>(shape.num_layers * shape.num_heads)) {}
  void add(const RowBlock& block) override {
    auto& cell = cells_[static_cast<std::size_t>(block.layer * heads_ + block.head)];
    for (std::int64_t r = 0; r < block.rows(); ++r) {
      std::vector<float>& scores = cell[length_bin(block.lengths[static_cast<std::size_t>(r)])];
      scores.insert(scores.end(), block.row(r).begin(), block.row(r).end());
    }
  }
  // The (rank + 1)-th largest.
  double value(std::size_t cell, std::int32_t bin, std::size_t rank) {
    std::vector<float>& scores = cells_[cell].at(bin);
    const auto at = scores.begin() + static_cast<std::ptrdiff_t>(rank);
    std::nth_element(scores.begin(), at, scores.end(), std::greater<>());
    return static_cast<double>(*at);
  }

 private:
  std::int64_t heads_;
  std::vector<std::map<std::int32_t, std::vector<float>>> cells_;
};

}  // namespace

TEST_CASE("thresholds from the embedded model's curves lie within a bin of the exact quantiles") {
  LanguageModel& model = testing::embedded();
  std::vector<TextWindow> windows = text_windows(model, {"data/calib-a/000.txt", "data/calib-a/001.txt"}, 0);
  windows[0].tokens.resize(600);
  windows[1].tokens.resize(150);
  ModelSource source(model, windows, Placement::pre_softmax, {}, 0);
  const ModelShape& shape = source.description().shape;
  CurveFitter fitter(Placement::pre_softmax, Placement::pre_softmax, shape);
  AllScores all(shape);
  for (const std::int64_t window : {0, 1}) {
    source.stream(window, {}, 0, fitter);
    source.stream(window, {}, 0, all);
  }
  const ScoreCurves curves = fitter.curves();
  int compared = 0;
  for (std::size_t cell = 0; cell < curves.cells.size(); ++cell)
    for (const ScoreCurve& curve : curves.cells[cell]) {
      const CurveReader reader(curve, Placement::pre_softmax);
      for (const std::int64_t k : {8, 16, 32, 64, 128, 256, 512}) {
        if (curve.shortest <= k) continue;
        // Thresholds from the first value dropped up to the last one kept keep k on average.
        const auto rank = static_cast<std::size_t>(k * curve.rows);
        const double theta = reader.theta(static_cast<double>(k));
        const double dropped = all.value(cell, curve.length_bin, rank);
        const double kept = all.value(cell, curve.length_bin, rank - 1);
        if (theta < dropped - kScoreBin || theta > kept + kScoreBin)
          FAIL("cell " << cell << ", rows of " << curve.shortest << ", k = " << k << ": theta " << theta
                       << " for " << dropped << " to " << kept);
        ++compared;
      }
    }
  CHECK(compared > 2000);
}

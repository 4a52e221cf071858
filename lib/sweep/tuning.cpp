#include "sweep/tuning.hpp"

#include <algorithm>
#include <cmath>
#include <map>

namespace toptheta {

namespace {

class Bisection {
 public:
  Bisection(std::int64_t low, std::int64_t high, const std::function<TunedPoint(std::int64_t)>& measure)
      : low_(low), high_(high), measure_(measure) {}

  // The smallest k for which `holds` is true; nullopt if it is not even for the largest.
  template <class Holds>
  std::optional<std::int64_t> smallest(Holds holds) {
    if (!holds(at(high_))) return std::nullopt;
    std::int64_t below = low_ - 1;  // `holds` is false here, or it is out of range
    std::int64_t above = high_;
    while (above - below > 1) {
      // The geometric mean, because k matters by its order of magnitude.
      const double middle =
          std::sqrt(static_cast<double>(std::max<std::int64_t>(below, 1)) * static_cast<double>(above));
      const std::int64_t k = std::clamp<std::int64_t>(std::llround(middle), below + 1, above - 1);
      (holds(at(k)) ? above : below) = k;
    }
    return above;
  }

  [[nodiscard]] std::vector<TunedPoint> points() const {
    std::vector<TunedPoint> points;
    points.reserve(points_.size());
    for (const auto& [k, point] : points_)
      points.push_back(point);
    return points;
  }

 private:
  const TunedPoint& at(std::int64_t k) {
    const auto found = points_.find(k);
    return found != points_.end() ? found->second : points_.emplace(k, measure_(k)).first->second;
  }

  std::int64_t low_;
  std::int64_t high_;
  const std::function<TunedPoint(std::int64_t)>& measure_;
  std::map<std::int64_t, TunedPoint> points_;
};

}  // namespace

const TunedPoint* Tuning::point_at(std::int64_t wanted) const {
  const auto found = std::ranges::find(points, wanted, &TunedPoint::k);
  return found == points.end() ? nullptr : &*found;
}

Tuning tune_k(std::int64_t low, std::int64_t high, double within,
              const std::function<TunedPoint(std::int64_t k)>& measure) {
  const double bound = within + 1e-12;  // as is_within()
  Bisection bisection(low, high, measure);
  Tuning tuning;
  tuning.k = bisection.smallest([bound](const TunedPoint& point) { return point.loss.value <= bound; });
  const auto has_interval = [](const TunedPoint& point) { return point.loss.least && point.loss.most; };
  if (std::ranges::all_of(bisection.points(), has_interval)) {
    tuning.k_least =
        bisection.smallest([bound](const TunedPoint& point) { return *point.loss.least <= bound; });
    tuning.k_most =
        bisection.smallest([bound](const TunedPoint& point) { return *point.loss.most <= bound; });
  }
  tuning.points = bisection.points();
  return tuning;
}

}  // namespace toptheta

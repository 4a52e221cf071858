// StreamingLLM (arXiv 2309.17453): keeps the most recent keys and the very first ones.
#include <algorithm>

#include "attention/policies/unit.hpp"

namespace toptheta {

namespace {

constexpr PolicyOption kWindowOptions[] = {
    {.name = "window",
     .usual = 256,
     .least = 1,
     .most = 1e9,
     .help = "most recent keys, including the row's own"},
    {.name = "sinks", .usual = 4, .least = 0, .most = 1e9, .help = "first keys"}};

class WindowSelector : public RowSelector {
 public:
  WindowSelector(std::int64_t window, std::int64_t sinks) : window_(window), sinks_(sinks) {}

  void select(const HeadRows& rows, std::vector<double>& /*memory*/, KeptRows& kept) const override {
    for (std::int64_t r = 0; r < rows.rows; ++r) {
      const std::int64_t end = rows.position(r) + 1;
      kept.keep(r, std::max(rows.first(r), end - window_), end);
      kept.keep(r, rows.first(r), std::min(rows.first(r) + sinks_, end));
    }
  }

 private:
  std::int64_t window_;
  std::int64_t sinks_;
};

}  // namespace

extern const PolicyUnit kWindowPolicy;
const PolicyUnit kWindowPolicy{.name = "window",
                               .keeps = "the most recent keys and the first ones",
                               .options = kWindowOptions,
                               .reads_all_keys = false,
                               .selector = [](const Policy& policy) -> std::unique_ptr<const RowSelector> {
                                 return std::make_unique<WindowSelector>(option_count(policy, "window"),
                                                                         option_count(policy, "sinks"));
                               }};

}  // namespace toptheta

// H2O, heavy hitters (arXiv 2306.14048): a cache of limited size holds the most recent keys and those that
// have received the most softmax weight since they arrived. A key that was evicted never comes back.
#include <algorithm>
#include <cmath>
#include <limits>

#include "attention/policies/unit.hpp"

namespace toptheta {

namespace {

constexpr double kNone = std::numeric_limits<double>::quiet_NaN();
constexpr PolicyOption kH2oOptions[] = {
    {.name = "heavy", .usual = kNone, .least = 0, .most = 1e9, .help = "keys with the most gathered weight"},
    {.name = "recent", .usual = kNone, .least = 1, .most = 1e9, .help = "most recent keys"},
    {.name = "budget",
     .usual = kNone,
     .least = 2,
     .most = 1e9,
     .help = "keys in all, half of them heavy and half recent; instead of these two"}};

constexpr double kEvicted = -1;

class H2oSelector : public RowSelector {
 public:
  H2oSelector(std::int64_t heavy, std::int64_t recent) : heavy_(heavy), recent_(recent) {}

  [[nodiscard]] bool remembers() const override { return true; }
  // memory: for each key so far the weight that it has received, or kEvicted.
  void select(const HeadRows& rows, std::vector<double>& memory, KeptRows& kept) const override {
    for (std::int64_t r = 0; r < rows.rows; ++r) {
      const std::int64_t end = rows.position(r) + 1;
      memory.resize(static_cast<std::size_t>(end), 0);
      evict(rows.first(r), end, memory);
      gather(rows, r, memory, kept);
    }
  }

 private:
  // Of the keys [first, end) that are in the cache, keeps the recent ones and the heaviest of the others;
  // among equals the earliest.
  void evict(std::int64_t first, std::int64_t end, std::vector<double>& memory) const {
    std::fill_n(memory.begin(), first, kEvicted);
    const std::int64_t old = std::max(first, end - recent_);  // where the recent keys begin
    thread_local std::vector<std::int64_t> candidates;
    candidates.clear();
    for (std::int64_t j = first; j < old; ++j)
      if (memory[static_cast<std::size_t>(j)] != kEvicted) candidates.push_back(j);
    const auto stay = static_cast<std::ptrdiff_t>(heavy_);
    if (static_cast<std::ptrdiff_t>(candidates.size()) <= stay) return;
    std::nth_element(candidates.begin(), candidates.begin() + stay, candidates.end(),
                     [&](std::int64_t a, std::int64_t b) {
                       const double x = memory[static_cast<std::size_t>(a)];
                       const double y = memory[static_cast<std::size_t>(b)];
                       return x > y || (x == y && a < b);
                     });
    for (auto j = candidates.begin() + stay; j != candidates.end(); ++j)
      memory[static_cast<std::size_t>(*j)] = kEvicted;
  }

  // Adds to each kept key the weight that the row gives it: the softmax over the kept keys.
  static void gather(const HeadRows& rows, std::int64_t r, std::vector<double>& memory, KeptRows& kept) {
    const float* const row = rows.row(r);
    float largest = -std::numeric_limits<float>::infinity();
    const std::int64_t end = rows.position(r) + 1;
    for (std::int64_t j = rows.first(r); j < end; ++j) {
      if (memory[static_cast<std::size_t>(j)] == kEvicted) continue;
      kept.keep(r, j);
      largest = std::max(largest, row[j]);
    }
    double total = 0;
    const auto weight = [&](std::int64_t j) {
      return std::exp(static_cast<double>(row[j]) - static_cast<double>(largest));
    };
    for (std::int64_t j = rows.first(r); j < end; ++j)
      if (memory[static_cast<std::size_t>(j)] != kEvicted) total += weight(j);
    for (std::int64_t j = rows.first(r); j < end; ++j)
      if (memory[static_cast<std::size_t>(j)] != kEvicted)
        memory[static_cast<std::size_t>(j)] += weight(j) / total;
  }

  std::int64_t heavy_;
  std::int64_t recent_;
};

void check_h2o(const Policy& policy) {
  const bool budget = !std::isnan(option_value(policy, "budget"));
  const bool heavy = !std::isnan(option_value(policy, "heavy"));
  const bool recent = !std::isnan(option_value(policy, "recent"));
  if (budget ? heavy || recent : !heavy || !recent)
    refuse(policy, "the size of the cache is not given, or given twice",
           "give either budget, or both heavy and recent");
}

std::unique_ptr<const RowSelector> make_h2o(const Policy& policy) {
  const std::int64_t budget = option_count(policy, "budget");
  if (budget > 0) return std::make_unique<H2oSelector>(budget / 2, budget - budget / 2);
  return std::make_unique<H2oSelector>(option_count(policy, "heavy"), option_count(policy, "recent"));
}

}  // namespace

extern const PolicyUnit kH2oPolicy;
const PolicyUnit kH2oPolicy{.name = "h2o",
                            .keeps = "the most recent keys and those that gathered most weight",
                            .options = kH2oOptions,
                            .reads_all_keys = false,
                            .check = check_h2o,
                            .selector = make_h2o};

}  // namespace toptheta

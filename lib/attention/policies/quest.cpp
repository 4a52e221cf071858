// Quest (arXiv 2406.10774): keeps the pages of keys with the largest upper bounds of their scores.
#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "attention/policies/unit.hpp"

namespace toptheta {

namespace {

constexpr PolicyOption kQuestOptions[] = {
    {.name = "pages",
     .usual = std::numeric_limits<double>::quiet_NaN(),
     .least = 1,
     .most = 1e9,
     .help =
         "pages to keep, including that of the row's own key; instead of k, which is rounded up to pages"},
    {.name = "page", .usual = 16, .least = 1, .most = 65536, .help = "keys per page"}};

// The smallest and largest value of every channel over the keys of every whole page: [page][head_dim].
struct PageBounds {
  std::vector<float> low;
  std::vector<float> high;
};

class QuestSelector : public RowSelector {
 public:
  QuestSelector(std::int64_t pages, std::int64_t page) : pages_(pages), page_(page) {}

  void select(const HeadRows& rows, std::vector<double>& /*memory*/, KeptRows& kept) const override {
    thread_local PageBounds bounds;
    thread_local std::vector<double> bound;
    thread_local std::vector<std::int64_t> order;
    bound_pages(rows, bounds);
    for (std::int64_t r = 0; r < rows.rows; ++r) {
      // The page of the row's own key is not full yet: it is always kept, without a bound.
      const std::int64_t first = rows.first(r) / page_;
      const std::int64_t own = rows.position(r) / page_;
      keep_page(rows, r, own, kept);
      const std::int64_t wanted =
          std::min((pages_ > 0 ? pages_ : (rows.k + page_ - 1) / page_) - 1, own - first);
      if (wanted <= 0) continue;
      bound.resize(static_cast<std::size_t>(own));
      for (std::int64_t p = first; p < own; ++p)
        bound[static_cast<std::size_t>(p)] = bound_of(rows, r, p, bounds);
      order.resize(static_cast<std::size_t>(own - first));
      std::iota(order.begin(), order.end(), first);
      std::nth_element(order.begin(), order.begin() + (wanted - 1), order.end(),
                       [&](std::int64_t a, std::int64_t b) {
                         const double x = bound[static_cast<std::size_t>(a)];
                         const double y = bound[static_cast<std::size_t>(b)];
                         return x > y || (x == y && a < b);
                       });
      for (std::int64_t i = 0; i < wanted; ++i)
        keep_page(rows, r, order[static_cast<std::size_t>(i)], kept);
    }
  }

 private:
  void bound_pages(const HeadRows& rows, PageBounds& bounds) const {
    const std::int64_t pages = (rows.position(rows.rows - 1) + 1) / page_;  // whole pages
    const auto size = static_cast<std::size_t>(pages * rows.head_dim);
    bounds.low.resize(size);
    bounds.high.resize(size);
    for (std::int64_t p = 0; p < pages; ++p)
      for (std::int64_t c = 0; c < rows.head_dim; ++c) {
        float low = rows.key(p * page_, c);
        float high = low;
        for (std::int64_t j = p * page_ + 1; j < (p + 1) * page_; ++j) {
          low = std::min(low, rows.key(j, c));
          high = std::max(high, rows.key(j, c));
        }
        bounds.low[static_cast<std::size_t>(p * rows.head_dim + c)] = low;
        bounds.high[static_cast<std::size_t>(p * rows.head_dim + c)] = high;
      }
  }

  // An upper bound of the product of the row's query with any key of the page.
  static double bound_of(const HeadRows& rows, std::int64_t r, std::int64_t page, const PageBounds& bounds) {
    const float* const q = rows.q + r * rows.q_stride;
    const auto at = static_cast<std::size_t>(page * rows.head_dim);
    double sum = 0;
    for (std::int64_t c = 0; c < rows.head_dim; ++c) {
      const float edge = q[c] > 0 ? bounds.high[at + static_cast<std::size_t>(c)]
                                  : bounds.low[at + static_cast<std::size_t>(c)];
      sum += static_cast<double>(q[c]) * static_cast<double>(edge);
    }
    return sum;
  }

  void keep_page(const HeadRows& rows, std::int64_t r, std::int64_t page, KeptRows& kept) const {
    kept.keep(r, page * page_, std::min((page + 1) * page_, rows.position(r) + 1));
  }

  std::int64_t pages_;  // 0: given by k
  std::int64_t page_;
};

void check_quest(const Policy& policy) {
  if ((policy.k > 0) == (option_count(policy, "pages") > 0))
    refuse(policy, "the number of pages is not given, or given twice", "give either pages or k");
}

}  // namespace

extern const PolicyUnit kQuestPolicy;
const PolicyUnit kQuestPolicy{.name = "quest",
                              .keeps = "the pages of keys with the largest bounds of their scores",
                              .options = kQuestOptions,
                              .has_k = true,
                              .instead_of_k = "pages",
                              .reads_all_keys = false,
                              .check = check_quest,
                              .selector = [](const Policy& policy) -> std::unique_ptr<const RowSelector> {
                                return std::make_unique<QuestSelector>(option_count(policy, "pages"),
                                                                       option_count(policy, "page"));
                              }};

}  // namespace toptheta

#include "model/sampling.hpp"

#include <algorithm>
#include <cassert>
#include <cmath>
#include <vector>

namespace toptheta {
namespace {

struct Choice {
  double logit;
  std::int32_t token;
};

// Orders choices by logit, the largest first; of equal ones the smaller token comes first.
bool before(const Choice& a, const Choice& b) {
  return a.logit != b.logit ? a.logit > b.logit : a.token < b.token;
}

// Sorts the first `count` choices into their places.
void sort_first(std::vector<Choice>& choices, std::size_t count) {
  std::partial_sort(choices.begin(), choices.begin() + static_cast<std::ptrdiff_t>(count), choices.end(),
                    before);
}

void keep_top_k(std::vector<Choice>& choices, std::int64_t k) {
  if (k <= 0 || k >= std::ssize(choices)) return;
  const auto last = choices.begin() + (k - 1);
  std::nth_element(choices.begin(), last, choices.end(), before);
  const double smallest = last->logit;
  std::erase_if(choices, [&](const Choice& choice) { return choice.logit < smallest; });
}

// Keeps the likeliest choices that together reach probability p, sorted.
void keep_top_p(std::vector<Choice>& choices, double p, double total, double largest) {
  std::size_t sorted = 0;
  double mass = 0;
  for (std::size_t i = 0; i < choices.size(); ++i) {
    if (i == sorted) {
      sorted = std::min(std::max<std::size_t>(64, 4 * sorted), choices.size());
      sort_first(choices, sorted);
    }
    mass += std::exp(choices[i].logit - largest) / total;
    if (mass >= p) {
      choices.resize(i + 1);
      return;
    }
  }
}

double sum_of_exponentials(const std::vector<Choice>& choices, double largest) {
  double total = 0;
  for (const Choice& choice : choices)
    total += std::exp(choice.logit - largest);
  return total;
}

}  // namespace

std::int32_t greedy_token(std::span<const float> logits) {
  std::size_t best = 0;
  for (std::size_t i = 1; i < logits.size(); ++i) {
    if (logits[i] > logits[best] || (std::isnan(logits[best]) && !std::isnan(logits[i]))) best = i;
  }
  return static_cast<std::int32_t>(best);
}

std::int32_t Sampler::draw(std::span<const float> logits) {
  assert(!logits.empty() && options_.temperature > 0);
  std::vector<Choice> choices;
  choices.reserve(logits.size());
  for (std::size_t i = 0; i < logits.size(); ++i) {
    if (!std::isnan(logits[i]))
      choices.push_back(
          {static_cast<double>(logits[i]) / options_.temperature, static_cast<std::int32_t>(i)});
  }
  if (choices.empty()) return greedy_token(logits);
  keep_top_k(choices, options_.top_k);
  const double largest = std::ranges::min_element(choices, before)->logit;
  if (!std::isfinite(largest)) return greedy_token(logits);
  if (options_.top_p < 1) keep_top_p(choices, options_.top_p, sum_of_exponentials(choices, largest), largest);
  double left = random_.uniform() * sum_of_exponentials(choices, largest);
  for (const Choice& choice : choices) {
    left -= std::exp(choice.logit - largest);
    if (left < 0) return choice.token;
  }
  return choices.front().token;  // reached only if rounding makes the sum too large
}

}  // namespace toptheta
